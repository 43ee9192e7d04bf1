import assert from "node:assert/strict"
import test from "node:test"
import { Run } from "../../../assets/run.js"

/** A run after these events: [kind, step, body, time]. */
function runAfter(...events) {
  const run = new Run("abcd2345")
  events.forEach(([kind, step, body, time = step], i) => run.take([i + 1, kind, step, time, body]))
  return run
}

test("metrics become a series each, and the last of a step holds", () => {
  const run = runAfter(["metrics", 1, { loss: 3 }], ["metrics", 2, { loss: 2 }], ["metrics", 2, { loss: 1, "knn/shape": 0.5 }])
  assert.deepEqual(run.metrics.get("loss"), { steps: [1, 2], values: [3, 1] })
  assert.equal(run.now("knn/shape"), 0.5)
  assert.equal(run.now("knn/color"), undefined)
  assert.equal(run.step, 2)
})

test("an event that came before is not taken twice", () => {
  const run = runAfter(["change", 1, { name: "temperature", value: 0.2 }])
  run.take([1, "change", 1, 1, { name: "temperature", value: 0.9 }])
  assert.deepEqual(run.changes, [{ step: 1, name: "temperature", value: 0.2 }])
})

test("what nobody knows how to take is passed over", () => {
  assert.equal(runAfter(["invented", 1, {}]).last, 1)
})

test("a run that goes on from a checkpoint forgets what came after it", () => {
  const verdict = (state) => ({ state, sentence: "" })
  const run = runAfter(
    ["started", 0, { steps: 10 }],
    ["metrics", 4, { loss: 2 }],
    ["snapshot", 4, ["views"]],
    ["layout", 4, null],
    ["verdict", 4, verdict("healthy")],
    ["metrics", 8, { loss: 1, late: 1 }],
    ["change", 8, { name: "temperature", value: 1 }],
    ["snapshot", 8, []],
    ["layout", 8, null],
    ["verdict", 8, verdict("cluster collapse")],
    ["started", 5, { steps: 10 }],
  )
  assert.deepEqual(run.metrics.get("loss"), { steps: [4], values: [2] })
  assert.deepEqual(run.metrics.get("late"), { steps: [], values: [] })
  assert.deepEqual([[...run.snapshots.keys()], [...run.layouts], run.changes, run.verdict], [[4], [4], [], null])
  assert.deepEqual(run.verdicts, [{ step: 4, state: "healthy" }])
  assert.equal(run.begun, 2)
})

test("a verdict replaces that of the same step and all after it", () => {
  const run = runAfter(["verdict", 4, { state: "starting" }], ["verdict", 8, { state: "healthy" }], ["verdict", 8, { state: "unclear" }])
  assert.deepEqual(
    run.verdicts.map((each) => each.state),
    ["starting", "unclear"],
  )
  assert.equal(run.verdict.state, "unclear")
})

test("baselines of several kinds stand beside each other", () => {
  const run = runAfter(["baseline", 0, { random: { "knn/shape": 0.2 } }], ["baseline", 0, { chance: { "knn/shape": 0.1 } }])
  assert.deepEqual(Object.keys(run.baseline), ["random", "chance"])
})

test("downloading ends when training begins", () => {
  assert.deepEqual(runAfter(["fetching", 0, { what: "cifar10" }]).fetching, { what: "cifar10" })
  assert.equal(runAfter(["fetching", 0, { what: "cifar10" }], ["metrics", 1, { loss: 1 }]).fetching, null)
})

test("a run that is cleared keeps its watchers and how it stands", () => {
  const run = runAfter(["metrics", 1, { loss: 1 }])
  const [listener, status] = [() => {}, { status: "running" }]
  run.watchers.add(listener)
  run.status = status
  run.clear()
  assert.deepEqual([run.metrics.size, run.watchers.has(listener), run.status, run.last, run.id], [0, true, status, 1, "abcd2345"])
})

test("knobs count as moved whether it trained then or waits", () => {
  const run = runAfter(["change", 1, { name: "temperature", value: 1 }])
  run.status = { waiting: 2, step: 7 }
  assert.deepEqual([run.moved, run.step], [3, 7])
})
