import assert from "node:assert/strict"
import test from "node:test"
import { Range, titleOf } from "../../../assets/ranges.js"

test("a range ends at round numbers around what it has seen", () => {
  assert.deepEqual(new Range().cover([0.3, 4.7]), [0, 5])
  assert.deepEqual(new Range().cover([]), [0, 1])
})

test("a range only grows, and takes no notice of what is no number", () => {
  const range = new Range()
  range.cover([0, 10])
  assert.deepEqual(range.cover([4, null, NaN, Infinity]), [0, 10])
  assert.deepEqual(range.cover([-12]), [-15, 10])
})

test("one value alone still gives a range with some room", () => {
  const [low, high] = new Range().cover([2])
  assert.ok(low <= 2 && high > low)
})

test("a run that goes on from a checkpoint begins its range anew", () => {
  const range = new Range()
  range.cover([0, 1000], 1)
  assert.deepEqual(range.cover([0, 1], 2), [0, 1])
})

test("long numbers at an axis leave no room for its title", () => {
  assert.deepEqual([titleOf([0, 5], "loss"), titleOf([0, 1e6], "loss"), titleOf(undefined, "loss")], ["loss", "", "loss"])
})

test("a value that lies within a rounded end is not lost when the other end grows", () => {
  const [low, high] = new Range().cover([3.58, 3.42, 3.97, 3.26, 4.15])
  assert.ok(low <= 3.26 && high >= 4.15)
})
