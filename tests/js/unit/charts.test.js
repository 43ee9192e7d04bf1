import assert from "node:assert/strict"
import test from "node:test"
import { THEME, packed } from "../support/browser.js"

const { decode, rowsOf, unpack } = await import("../../../assets/arrays.js")
const { spectraOf, spectrumAxes, spectrumCurve } = await import("../../../assets/spectrum.js")
const { line, schedules } = await import("../../../assets/run_charts.js")
const { gained, ownTask } = await import("../../../assets/panels/curves.js")
const { span } = await import("../../../assets/panels/losses.js")
const { comparisons } = await import("../../../assets/embeddings/lasso.js")
const { landedAt } = await import("../../../assets/embeddings/landing.js")
const { correlationPicture, cosinePicture, layersPicture, spectrumPicture, stepsPicture } =
  await import("../../../assets/panels/geometry_charts.js")

test("arrays come as they were packed", () => {
  const values = unpack(packed([1, 2.5, -3, 4], [2, 2]))
  assert.deepEqual(
    [[...values], values.shape],
    [
      [1, 2.5, -3, 4],
      [2, 2],
    ],
  )
  assert.deepEqual(rowsOf(packed([1, 2, 3, 4, 5, 6], [3, 2])), [
    [1, 2],
    [3, 4],
    [5, 6],
  ])
  const { pca, spectrum } = decode({ arrays: { pca: packed([1, 2], [1, 2]), spectrum: [3, 1] } })
  assert.deepEqual(
    [[...pca], spectrum],
    [
      [1, 2],
      [3, 1],
    ],
  )
})

test("a spectrum is drawn as shares of its largest value, and zero has a place", () => {
  assert.deepEqual(spectrumCurve([4, 1, 0], "backbone", {}).y, [1, 0.25, 1e-6])
  assert.deepEqual(spectrumCurve([0, 0], "backbone", {}).y, [1e-6, 1e-6])
  assert.deepEqual(spectrumAxes(THEME, 64).xaxis.range, [0, 64])
  assert.deepEqual(spectraOf({ spectrum: [1], "spectrum/projector": [] }), [["backbone", [1]]])
  assert.deepEqual(spectraOf(null), [])
})

/** A run whose live k-NN accuracy of shape is `now`, and `before` by the random network. */
const run = (now, before, facts = {}) => ({
  now: () => now,
  baseline: { random: { "knn/shape": before } },
  facts: { gain: { least: 0.05, errors: 3 }, labeled: { shape: 1000 }, ...facts },
})

test("an accuracy has gained when it is beyond what chance gives", () => {
  assert.deepEqual(
    [gained(run(0.9, 0.3), "knn/shape"), gained(run(0.1, 0.3), "knn/shape"), gained(run(0.32, 0.3), "knn/shape")],
    [1, -1, 0],
  )
  assert.equal(gained(run(0.4, 0.3, { labeled: { shape: 20 } }), "knn/shape"), 0) // too few images to say
  assert.equal(gained(run(undefined, 0.3), "knn/shape"), 0)
})

test("a long curve keeps every n-th point and its last", () => {
  const steps = Array.from({ length: 4001 }, (_, i) => i)
  const { x } = line({ steps, values: steps }, "loss", "#000", 1)
  assert.deepEqual([x.length, x[1], x.at(-1)], [1335, 3, 4000])
  assert.equal(line({ steps: [1], values: [2] }, "loss", "#000", 1).mode, "markers")
})

test("a scheduled knob is drawn until a hand moved it", () => {
  const schedule = { name: "method.temperature", shape: "linear", start: 0.5, end: 0.1 }
  const going = { steps: 61, facts: { schedules: [schedule] }, changes: [{ step: 31, name: "method.temperature" }] }
  const [trace] = schedules(going, THEME, { annotations: [], shapes: [] })
  assert.deepEqual([trace.x[0], trace.x.at(-1), trace.x.length], [1, 31, 31])
  assert.ok(Math.abs(trace.customdata.at(-1) - 0.3) < 1e-9)
})

test("the method's own task is the first metric that has a trivial solution to beat", () => {
  const metrics = new Map([["patch/error", {}]])
  assert.deepEqual(ownTask({ metrics, baseline: { trivial: { other: 1, "patch/error": 0.2 } } }), ["patch/error", 0.2])
  assert.deepEqual(ownTask(null), [null, null])
})

test("one loss that ran away does not make a line of all others", () => {
  const losses = (...pairs) => pairs.map(([loss, status]) => ({ loss, status }))
  assert.deepEqual(span(losses([1, "finished"], [2, "finished"])), { autorange: true, range: undefined })
  assert.deepEqual(span(losses([1, "finished"], [2, "finished"], [1e9, "failed"])).range, [0.95, 2.05])
  const [far, near] = [1e9, 6].map((last) => losses([1, "finished"], [1.5, "finished"], [2, "finished"], [last, "finished"]))
  assert.deepEqual(span(far).range, [0.95, 2.05])
  assert.deepEqual(
    [near, losses([1, "finished"], [1, "finished"], [1, "finished"], [3, "finished"])].map((each) => span(each).autorange),
    [true, true],
  )
})

test("a lasso says which classes it has more of than the whole map", () => {
  const points = { labels: { shape: [0, 0, 1, 1], color: [0, 1, 0, -1] }, names: { shape: ["circle", "square"] } }
  const [first, second] = comparisons([0, 1], points)
  assert.deepEqual([first.factor, first.rows[0]], ["shape", { name: "circle", count: 2, share: 1, usual: 0.5 }])
  assert.deepEqual([second.factor, second.kept, second.rows[0].name], ["color", 2, "1"])
})

test("an image from outside is where the last kept network put it", () => {
  const landed = { steps: [{ step: 10 }, { step: 20 }] }
  assert.deepEqual(
    [15, 20, 3].map((step) => landedAt(landed, step).step),
    [10, 20, 10],
  )
  assert.equal(landedAt(null, 3), null)
})

test("pictures of the geometry say the same in words", () => {
  const body = { spectrum: { now: [10, 5, 0.5], first: [10, 0.1, 0.1] }, step: 40, first: 0, layer: "backbone", constant: false }
  assert.match(spectrumPicture(body, THEME).text, /^2 of 3 directions .* at step 0 it was 1\./)
  assert.deepEqual(spectrumPicture({ ...body, constant: true }, THEME).traces, [])
  const measures = [{ name: "redundancy", value: 0.25, before: 0.5 }]
  const correlation = correlationPicture({ correlation: packed([1, 0.5, 0.5, 1], [2, 2]), measures, size: 64 }, THEME)
  assert.match(correlation.text, /correlate by 0\.25 in size; at step 0 by 0\.50/)
  assert.match(correlation.layout.xaxis.title.text, /2 of 64 shown/)
  const share = (place) => Array.from({ length: 50 }, (_, i) => (i === place ? 1 : 0))
  const pairs = { positive: share(49), negative: share(24) }
  const cosines = cosinePicture({ before: { positive: share(24), negative: share(24) }, histograms: pairs, first: 0 }, THEME)
  assert.match(cosines.text, /a cosine of 0\.98 on average, of different images -0\.02; at step 0 it was -0\.02/)
  const steps = { steps: [0, 20, 40], matrix: packed([1, 0.2, 0.1, 0.2, 1, 0.9, 0.1, 0.9, 1], [3, 3]), step: 22 }
  assert.match(stepsPicture(steps, THEME).text, /^Step 20 is alike to step 0 by 0\.20, and to step 40 by 0\.90/)
  const layers = { names: ["backbone 40", "projector 40"], matrix: packed([1, 0.7, 0.7, 1], [2, 2]) }
  assert.match(layersPicture({ layers, step: 40 }, THEME).text, /alike by 0\.70/)
  assert.match(layersPicture({ layers, step: 41 }, THEME).text, /one layer/)
})
