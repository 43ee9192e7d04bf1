import assert from "node:assert/strict"
import test from "node:test"

const { additions, remembered } = await import("../../../assets/additions.js")

const curve = (x, y, more = {}) => ({ x, y, mode: "lines", line: { color: "red" }, ...more })
const drawn = [curve([1, 2], [5, 4]), curve([1], [7])].map(remembered)

test("of longer curves only their new points are given, and which curves these are", () => {
  assert.deepEqual(additions(drawn, [curve([1, 2, 3, 4], [5, 4, 3, null]), curve([1], [7])]), { x: [[3, 4]], y: [[3, null]], places: [0] })
  assert.deepEqual(additions(drawn, [curve([1, 2], [5, 4]), curve([1], [7])]), { x: [], y: [], places: [] })
})

test("all is drawn anew where anything else has changed", () => {
  const same = curve([1], [7])
  assert.equal(additions(null, []), null)
  assert.equal(additions(drawn, [curve([1, 2], [5, 4])]), null) // a curve less
  assert.equal(additions(drawn, [curve([1], [5]), same]), null) // a shorter one: the run went back
  assert.equal(additions(drawn, [curve([1, 2, 3], [5, 9, 3]), same]), null) // another value at the old end
  assert.equal(additions(drawn, [curve([0, 2, 3], [5, 4, 3]), same]), null) // another start
  assert.equal(additions(drawn, [curve([1, 2, 3], [5, 4, 3], { line: { color: "blue" } }), same]), null)
})

test("what Plotly does to the lists that it was given changes nothing of what is remembered", () => {
  const given = curve([1], [7])
  const [known] = [given].map(remembered)
  given.x.push(2)
  assert.deepEqual(additions([known], [curve([1, 2], [7, 8])]), { x: [[2]], y: [[8]], places: [0] })
})

test("a value that is no number at the end of a curve is the same as before", () => {
  const known = [curve([1, 2], [5, NaN])].map(remembered)
  assert.deepEqual(additions(known, [curve([1, 2, 3], [5, NaN, 1])])?.places, [0])
})
