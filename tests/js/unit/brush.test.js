import assert from "node:assert/strict"
import test from "node:test"
import "../support/browser.js"

const { Patches, between } = await import("../../../assets/panels/patches.js")
const { bits, hex } = await import("../../../assets/patch_mask.js")
const { packed: visible } = await import("../../../assets/panels/sheet.js")

test("a mask as text comes back as it was", () => {
  const hidden = [true, false, false, false, false, false, true, true, true]
  assert.equal(hex(hidden), "838")
  assert.deepEqual(bits("838", 9), hidden)
})

test("a quick stroke leaves no gap", () => {
  assert.deepEqual(between(0, 3, 4), [1, 2, 3])
  assert.deepEqual(between(0, 15, 4), [5, 10, 15])
  assert.deepEqual(between(15, 0, 4), [10, 5, 0])
  assert.deepEqual(between(5, 5, 4), [])
  for (const [from, to] of [
    [0, 7],
    [3, 12],
    [14, 1],
  ]) {
    const way = [from, ...between(from, to, 4)]
    way.slice(1).forEach((patch, i) => {
      const [rows, columns] = [Math.floor(patch / 4) - Math.floor(way[i] / 4), (patch % 4) - (way[i] % 4)]
      assert.ok(Math.max(Math.abs(rows), Math.abs(columns)) === 1)
    })
    assert.equal(way.at(-1), to)
  }
})

/** A grid of 4 x 4 patches on 40 x 40 pixels, and the strokes that it has told of. */
function patches() {
  const told = []
  const on = {
    begin: (patch, goesOn) => told.push(["begin", patch, goesOn]),
    over: (all) => told.push(["over", ...all]),
    end: () => told.push(["end"]),
  }
  const made = new Patches("mask", on, () => {})
  Object.assign(made.canvas, {
    focus() {},
    setPointerCapture() {},
    getBoundingClientRect: () => ({ left: 0, top: 0, width: 40, height: 40 }),
  })
  made.show(null, 4)
  return [made, told]
}
const at = (clientX, clientY) => ({ clientX, clientY, button: 0, pointerId: 1, preventDefault() {} })
const press = (key, shiftKey = false) => ({ key, shiftKey, preventDefault() {} })

test("a drag is one stroke from patch to patch", () => {
  const [made, told] = patches()
  made.begin(at(5, 5))
  made.move(at(6, 6))
  made.move(at(35, 5))
  made.finish()
  assert.deepEqual(told, [["begin", 0, undefined], ["over", 1, 2, 3], ["end"]])
  made.move(at(5, 35))
  made.finish()
  assert.equal(told.length, 3) // without a pointer that is down nothing is drawn
})

test("a pointer outside the picture is at its edge", () => {
  const [made] = patches()
  assert.deepEqual([made.at(at(-9, -9)), made.at(at(99, 99))], [0, 15])
})

test("arrows move, Space acts, Shift draws on, and edges hold", () => {
  const [made, told] = patches()
  made.key(press("ArrowLeft"))
  made.key(press("ArrowDown"))
  assert.equal(made.cursor, 4)
  made.key(press(" "))
  made.key(press("ArrowRight", true))
  made.key(press("x"))
  assert.deepEqual(told, [["begin", 4, false], ["end"], ["begin", 4, true], ["over", 5], ["end"]])
})

test("an encoder takes the visible patches one after the other", () => {
  const drawn = []
  const create = document.createElement
  document.createElement = () => ({ append() {}, getContext: () => ({ drawImage: (_, ...places) => drawn.push(places) }) })
  visible({ width: 20 }, [true, false, true, false], 2)
  document.createElement = create
  assert.deepEqual(drawn, [
    [10, 0, 10, 10, 0, 0, 10, 10],
    [10, 10, 10, 10, 10, 0, 10, 10],
  ])
})
