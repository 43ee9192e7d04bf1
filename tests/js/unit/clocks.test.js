import assert from "node:assert/strict"
import test from "node:test"
import "../support/browser.js"
import { timers } from "../support/timers.js"

const { RecordingClock } = await import("../../../assets/recording_clock.js")
const { Clock } = await import("../../../assets/embeddings/clock.js")
const { RunPair } = await import("../../../assets/pair.js")

/** A clock of the recording, and what moves its time by some seconds. */
function recording(t) {
  let now = 0
  t.mock.method(performance, "now", () => now)
  return [new RecordingClock(), (seconds) => (now += 1000 * seconds)]
}

test("the recording plays two rounds with a rest between them, and stands at its end", (t) => {
  const [clock, wait] = recording(t)
  clock.start()
  wait(7.5)
  assert.equal(clock.now(), 0.5)
  wait(9)
  assert.equal(clock.now(), 1) // it rests
  wait(3)
  assert.equal(clock.now(), 0)
  wait(16)
  assert.deepEqual([clock.now(), clock.going], [1, false])
})

test("the first steps of the recording pass more slowly", (t) => {
  const [clock] = recording(t)
  clock.hold(0.5)
  assert.ok(clock.step(300) < 100 && clock.step(300) > 80)
  clock.hold(2)
  assert.equal(clock.step(300), 300)
})

test("the recording goes on from where somebody put it, and begins anew from its end", (t) => {
  const [clock, wait] = recording(t)
  clock.hold(0.4)
  clock.play()
  wait(3)
  assert.ok(Math.abs(clock.now() - 0.6) < 1e-9)
  clock.hold(1)
  clock.play()
  assert.equal(clock.now(), 0)
})

test("where motion is unwelcome the recording shows its end", (t) => {
  const [clock] = recording(t)
  t.mock.method(globalThis, "matchMedia", () => ({ matches: true }))
  clock.start()
  assert.deepEqual([clock.now(), clock.going], [1, false])
})

/** The clock of the Embeddings page, and what it has shown. */
function maps(steps = [0, 5, 9]) {
  const shown = []
  const clock = new Clock({ show: (step) => shown.push(step), ready: () => true, rest: () => shown.push("rest") })
  clock.list(steps)
  return [clock, shown]
}

test("a clock that nobody moved follows the newest step", () => {
  const [clock, shown] = maps()
  clock.list([0, 5, 9, 12])
  assert.deepEqual([clock.now, shown], [12, [9, 12]])
  assert.equal(clock.bar.when.textContent, "step 12")
})

test("a clock that was moved stays, and one that goes to the newest follows again", () => {
  const [clock] = maps()
  clock.by(-1)
  clock.list([0, 5, 9, 12])
  assert.equal(clock.now, 5)
  clock.go(12)
  assert.equal(clock.held, null)
  clock.by(1)
  assert.equal(clock.now, 12) // there is no later one
})

test("a clock whose step is gone goes to the one before it", () => {
  const [clock] = maps()
  clock.go(5)
  clock.list([0, 4, 9])
  assert.equal(clock.now, 4)
})

test("playing goes from frame to frame, waits for those that are not there, and stops at the end", (t) => {
  const time = timers(t)
  const ready = new Set([0, 5])
  const shown = []
  const clock = new Clock({ show: (step) => shown.push(step), ready: (step) => ready.has(step), rest: () => shown.push("rest") })
  clock.list([0, 5, 9])
  clock.toggle()
  assert.equal(clock.bar.play.getAttribute("aria-label"), "pause")
  time.tick(320) // it has gone back to the start
  time.tick(560)
  assert.deepEqual([shown, clock.waiting], [[9, 0, 5], true])
  ready.add(9)
  time.tick(60)
  time.tick(560)
  assert.deepEqual([shown, clock.playing, clock.bar.play.getAttribute("aria-label")], [[9, 0, 5, 9, "rest"], 0, "play"])
})

test("speed goes from one to four times and back", () => {
  const [clock] = maps()
  const seen = [1, 2, 3].map(() => (clock.faster(), clock.speed))
  assert.deepEqual(seen, [2, 4, 1])
})

/** Two runs at these steps; status is that of both unless it says otherwise. */
function pairAt(healthy, broken, over = {}) {
  const pair = new RunPair(() => {})
  const run = (step, status) => ({ step, steps: 100, error: "", status: { status, over: status !== "running" } })
  pair.runs = { healthy: run(healthy, over.healthy ?? "running"), broken: run(broken, over.broken ?? "running") }
  return pair
}

test("two runs stand at the step that both have reached, and one that ended holds nobody back", () => {
  assert.equal(pairAt(30, 20).clock, 20)
  assert.equal(pairAt(30, 20, { broken: "failed" }).clock, 30)
  assert.equal(pairAt(30, 20, { broken: "failed", healthy: "finished" }).clock, 30)
})

test("of two runs one that is missing is none", () => {
  const pair = pairAt(30, 20)
  pair.runs.broken.error = "no such run"
  assert.deepEqual([pair.both.map(([side]) => side), pair.clock], [["healthy"], 30])
})
