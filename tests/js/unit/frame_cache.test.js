import assert from "node:assert/strict"
import test from "node:test"
import { framed, serve, settled } from "../support/browser.js"

const { FrameCache } = await import("../../../assets/embeddings/frame_cache.js")

const stepOf = (address) => new URL(address).pathname.split("/map/")[1]
const pair = (x) => framed([x, 0, -x, 0], [2, 2])

function cache(kind = "pca", steps = [0, 2, 4], ready = steps) {
  const heard = []
  const made = new FrameCache((step) => heard.push(step))
  made.turn("abcd", { layer: "backbone", kind, points: "probe" })
  made.list(steps, ready)
  return [made, heard]
}

test("frames come in the order in which they will be shown: this one, those after, those before", async () => {
  const asked = serve(() => [200, pair(1)])
  const [made, heard] = cache("pca", [0, 2, 4, 6])
  made.want(4)
  while (heard.length < 4) await settled()
  assert.deepEqual(asked.map(stepOf), ["4", "6", "2", "0"])
  assert.match(asked[0], /runs\/abcd\/map\/4\?layer=backbone&kind=pca&points=probe&format=binary$/)
  assert.deepEqual([...made.get(4)], [1, 0, 0, -1, 0, 0]) // flat points lie at depth zero
})

test("layouts that are still to be made are asked for in the order of time", async () => {
  const asked = serve(() => [200, pair(1)])
  const [made, heard] = cache("umap", [0, 2, 4], [])
  made.want(4)
  while (heard.length < 3) await settled()
  assert.deepEqual(asked.map(stepOf), ["0", "2", "4"])
})

test("a step whose frame is lost gives way to the one before, and says why", async () => {
  serve((address) => (stepOf(address) === "4" ? [409, { error: "It diverged." }] : [200, pair(1)]))
  const [made, heard] = cache()
  made.want(4)
  while (heard.length < 3) await settled()
  assert.equal(made.lost.get(4), "It diverged.")
  assert.deepEqual([made.at(4), made.at(3), made.at(-1), made.here(9)], [2, 2, 0, 2])
  made.list([0, 2, 4])
  assert.equal(made.at(4), 4) // it may be tried again
})

test("without an answer the frame is lost, too", async () => {
  serve(() => new Error("away"))
  const [made, heard] = cache("pca", [0])
  made.want(0)
  while (!heard.length) await settled()
  assert.match(made.lost.get(0), /does not answer/)
})

test("a PCA stands in for a slow map that is not laid out, and only for one", async () => {
  serve((address) => (stepOf(address) === "2/pca" ? [200, pair(3)] : new Error("slow")))
  const [slow, heard] = cache("umap", [0, 2], [])
  assert.equal(slow.standIn(2), null)
  while (!heard.length) await settled()
  assert.deepEqual([slow.standIn(2).step, ...slow.standIn(2).frame], [2, 3, 0, 0, -3, 0, 0])
  const [quick] = cache("pca")
  assert.equal(quick.standIn(2), null)
})

test("another layer forgets the frames of the one before, also those under way", async () => {
  let answer
  serve(() => new Promise((resolve) => (answer = resolve)))
  const [made, heard] = cache("pca", [0])
  made.want(0)
  await settled()
  made.turn("abcd", { layer: "projector", kind: "pca", points: "probe" })
  answer([200, pair(1)])
  await settled()
  assert.deepEqual([made.frames.size, made.steps, heard], [0, [], []])
})

test("a sphere fills its window as it is; other maps are seen about their middle", async () => {
  serve(() => [200, framed([1, 1, 3, 1], [2, 2])])
  const [made, heard] = cache("pca", [0])
  made.want(0)
  while (!heard.length) await settled()
  assert.deepEqual(made.window(0).slice(0, 3), [2, 1, 0])
  made.query = { kind: "sphere" }
  assert.deepEqual(made.window(0), [0, 0, 0, 1.12])
})

test("what is known of a frame is said in sentences", () => {
  const [made] = cache()
  assert.deepEqual(made.says({ variance: [0.41, 0.2], kept: 0.357 }), [
    "These axes hold 41% + 20% of the variance.",
    "Of ten nearest neighbors in feature space, 36% are also neighbors on this map.",
  ])
  assert.deepEqual(made.says(undefined), [])
})
