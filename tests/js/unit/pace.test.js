import assert from "node:assert/strict"
import test from "node:test"
import { Pace } from "../../../assets/pace.js"

/** A pace after so many steps of so many seconds each. */
function trained(steps, seconds) {
  const pace = new Pace()
  for (let step = 0; step <= steps; step++) pace.trained(step * seconds, step)
  return pace
}

test("nothing is said before there is enough to say it by", () => {
  assert.equal(trained(3, 0.1).left(3, 100, null), null)
})

test("the rest takes as long a step as the last ones did", () => {
  assert.ok(Math.abs(trained(50, 0.1).left(50, 100, null) - 5) < 1e-9)
})

test("measurements that are planned cost what the last ones did", () => {
  const pace = trained(20, 0.1)
  pace.measured(2 + 0.5, 20)
  pace.trained(2.6, 21)
  const left = pace.left(21, 31, { at: [10, 25, 30], share: 0, after: 31 })
  assert.ok(Math.abs(left - (1 + 2 * 0.5)) < 0.1)
})

test("what was before a pause does not count", () => {
  const pace = trained(20, 0.1)
  pace.wait()
  pace.trained(1000, 21)
  pace.trained(1000.1, 22)
  assert.ok(pace.left(22, 32, null) < 2)
  pace.begin()
  assert.equal(pace.longest(), null)
})
