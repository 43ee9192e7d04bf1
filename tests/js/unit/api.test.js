import assert from "node:assert/strict"
import test from "node:test"
import { serve, settled } from "../support/browser.js"
import { timers } from "../support/timers.js"

const { LatestRequest, PolledRequest, addressOf, getJson, request, socketAddress } = await import("../../../assets/api.js")

/** A server whose answers come when the test lets them. */
function held() {
  const waiting = []
  const asked = serve(() => new Promise((resolve) => waiting.push(resolve)))
  return [asked, (...said) => (waiting.shift()(said), settled())]
}
const last = (address) => address.split("/").at(-1)

test("addresses leave out what is not known, and data stays as it is", () => {
  assert.match(addressOf("runs/a/map", { step: 3, other: undefined }), /\/api\/runs\/a\/map\?step=3$/)
  assert.equal(addressOf("data:image/png;base64,AA=="), "data:image/png;base64,AA==")
  assert.match(socketAddress().href, /\/api\/ws$/)
})

test("a request never raises: it says why there is no answer", async () => {
  serve(() => [404, { error: "There is no run b." }])
  assert.deepEqual(await request("runs/b"), { ok: false, status: 404, body: { error: "There is no run b." }, error: "There is no run b." })
  await assert.rejects(getJson("runs/b"), /There is no run b/)
  serve(() => [502, {}])
  assert.equal((await request("runs/b")).error, "The server answered 502.")
  serve(() => new Error("away"))
  assert.match((await request("runs/b")).error, /does not answer/)
})

test("while one request is under way only the newest question is kept", async () => {
  const [asked, answer] = held()
  const taken = []
  const latest = new LatestRequest((body) => taken.push(body))
  for (const patch of [1, 2, 3]) latest.ask("patch", { patch })
  assert.ok(latest.waiting)
  await answer(200, "one")
  await answer(200, "three")
  assert.deepEqual([asked.map(last), taken, latest.waiting], [["patch?patch=1", "patch?patch=3"], ["one", "three"], false])
})

test("the same question is not asked twice, unless it may have another answer by now", async () => {
  const [asked, answer] = held()
  const latest = new LatestRequest(() => {})
  latest.ask("map")
  latest.ask("map")
  latest.forget()
  latest.ask("map") // while the first is under way
  await answer(200, {})
  await answer(200, {})
  assert.equal(asked.length, 2)
})

test("a refusal stands; where no answer came the same may be asked again", async () => {
  const [asked, answer] = held()
  const failed = []
  const latest = new LatestRequest(
    () => {},
    (sentence) => failed.push(sentence),
  )
  latest.ask("map")
  await answer(409, { error: "no" })
  latest.ask("map")
  assert.equal(asked.length, 1)
  latest.ask("other")
  await answer(503, {})
  latest.ask("other")
  assert.deepEqual([asked.length, failed], [3, ["no", "The server answered 503."]])
})

test("an answer that nobody wants any more is not taken", async () => {
  const [, answer] = held()
  const taken = []
  const latest = new LatestRequest((body) => taken.push(body))
  latest.ask("map")
  latest.drop()
  await answer(200, "old")
  assert.deepEqual(taken, [])
  latest.ask("map")
  await answer(200, "new")
  assert.deepEqual(taken, ["new"])
})

test("pictures that cannot be decoded count as no answer, an error of ours is not hidden", async () => {
  serve(() => [200, {}])
  const failed = []
  const broken = new LatestRequest(
    () => Promise.reject(new DOMException("decode")),
    (sentence) => failed.push(sentence),
  )
  broken.ask("map")
  while (!failed.length) await settled()
  assert.match(failed[0], /does not answer/)
  const wrong = new LatestRequest(() => Promise.reject(new TypeError("ours")))
  wrong.asked = { address: addressOf("map") }
  await assert.rejects(wrong.go(), /ours/)
  assert.equal(wrong.busy, false)
})

test("a question that has to rest is asked once it does, the first at once", async (t) => {
  const time = timers(t)
  const [asked, answer] = held()
  const latest = new LatestRequest(() => {}, undefined, 200)
  latest.ask("a")
  const first = answer(200, {})
  time.tick(0)
  await first
  latest.ask("b")
  time.tick(150)
  latest.ask("c")
  time.tick(199)
  assert.equal(asked.length, 1)
  time.tick(1)
  assert.deepEqual(asked.map(last), ["a", "c"])
})

test("polling asks again after its pause, and tells only what is new", async (t) => {
  const time = timers(t)
  const answers = [{ done: 1 }, { done: 1 }, { done: 2 }]
  const asked = serve(() => [200, answers.shift()])
  const turn = async (milliseconds) => {
    time.tick(milliseconds)
    await settled()
  }
  const [taken, failed] = [[], []]
  const polled = new PolledRequest(
    (body) => taken.push(body.done),
    (sentence) => failed.push(sentence),
    () => 1000,
  )
  polled.ask("evaluation")
  await turn(0)
  await turn(1000)
  await turn(1000)
  assert.deepEqual([asked.length, taken, failed], [3, [1, 2], []])
  polled.remove()
  await turn(60_000)
  assert.equal(asked.length, 3)
})
