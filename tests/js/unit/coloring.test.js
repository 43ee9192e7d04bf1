import assert from "node:assert/strict"
import test from "node:test"
import { THEME, serve, settled } from "../support/browser.js"

const { ColorMap, Coloring } = await import("../../../assets/embeddings/coloring.js")
const { toggled } = await import("../../../assets/controls.js")
const { color, roundTop } = await import("../../../assets/heat.js")

const POINTS = { count: 4, labels: { shape: [1, 0, 1, -1], size: [0, 2, 1, 0] }, names: { shape: ["circle", "square"] } }

test("labels become places in the palette, and what has none is gray", () => {
  const found = new ColorMap(() => {}).of("shape", POINTS, THEME)
  assert.deepEqual([...found.places], [1, 0, 1, 2])
  assert.deepEqual(
    found.palette.map((each) => each.name),
    ["circle", "square", "no label"],
  )
  assert.deepEqual(
    found.classes.map((each) => each.color),
    THEME.colors.slice(0, 2),
  )
})

test("classes without names are called by their numbers", () => {
  const found = new ColorMap(() => {}).of("size", POINTS, THEME)
  assert.deepEqual(
    found.classes.map((each) => each.name),
    ["0", "1", "2"],
  )
})

test("what cannot be colored is plain", () => {
  const map = new ColorMap(() => {})
  for (const mode of ["cluster", "similarity", "weight"]) assert.deepEqual([...map.of(mode, POINTS, THEME).places], [0, 0, 0, 0])
})

test("similarity goes from that of the farthest to that of the nearest other image", () => {
  const map = new ColorMap(() => {})
  map.similarity = Float32Array.from([1, 0.5, 0, -0.5])
  const found = map.of("similarity", POINTS, THEME)
  assert.deepEqual(found.scale, [-0.5, 0.5]) // the chosen image itself does not stretch it
  assert.deepEqual([...found.places], [47, 47, 24, 0])
})

test("clusters are asked for, told in a sentence, and forgotten with the layer", async () => {
  const body = { labels: [0, 1, 1, 0], k: 2, agreement: { color: 0.2, shape: 0.71, none: null }, silhouette: 0.25 }
  const asked = serve(() => [200, body])
  let heard = 0
  const map = new ColorMap(() => (heard += 1))
  map.ask("abcd", { layer: "backbone", points: "probe" }, { mode: "cluster", k: 2 }, 40)
  while (!heard) await settled()
  assert.match(asked[0], /runs\/abcd\/clusters\?layer=backbone&points=probe&step=40&k=2$/)
  assert.deepEqual(
    map.of("cluster", POINTS, THEME).classes.map((each) => each.name),
    ["cluster 1", "cluster 2"],
  )
  assert.match(map.sentence, /^2 clusters at this step\..*shape 0\.71, color 0\.20\. Silhouette 0\.25\./)
  map.clear()
  assert.deepEqual([map.labels, map.sentence], [null, ""])
})

test("a coloring that cannot be gives way to the first that can", () => {
  const coloring = new Coloring(() => {})
  coloring.mode = "weight"
  coloring.offer(["shape", "size"])
  assert.equal(coloring.mode, "shape")
  const pressed = [...coloring.factors.children].filter((each) => each.getAttribute("aria-pressed") === "true")
  assert.deepEqual(
    pressed.map((each) => each.textContent),
    ["shape"],
  )
})

test("the number of clusters stays within its limits", () => {
  const coloring = new Coloring(() => {})
  const set = (value) => ((coloring.count.value = value), coloring.cluster(), coloring.k)
  assert.deepEqual(["1", "7.4", "900", "many"].map(set), [2, 7, 50, 8])
})

test("a second click on a class takes it back, and none is all", () => {
  assert.deepEqual(toggled(null, 3), new Set([3]))
  assert.deepEqual(toggled(new Set([3]), 1), new Set([3, 1]))
  assert.equal(toggled(new Set([3]), 3), null)
})

test("heat runs from violet to yellow, and stops at its ends", () => {
  assert.deepEqual(
    [color(0), color(1), color(-3), color(3)],
    [
      [68, 1, 84],
      [253, 231, 37],
      [68, 1, 84],
      [253, 231, 37],
    ],
  )
  assert.deepEqual(color(0.5), [33, 145, 140])
  assert.deepEqual(color(0.05), [70, 19, 101]) // halfway to the next stop
})

test("a scale ends at the least round number that no value exceeds", () => {
  assert.deepEqual([[0.013, null, 0.2], [3], [0.51], [null]].map(roundTop), [0.2, 5, 1, 1e-9])
})
