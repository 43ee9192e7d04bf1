import assert from "node:assert/strict"
import test from "node:test"
import { THEME } from "../support/browser.js"

const { classStyles, percent, plainName, short } = await import("../../../assets/theme.js")
const { detectedAt, distinct, sentenceOf, stateOf } = await import("../../../assets/verdict.js")
const { formula } = await import("../../../assets/formula.js")
const { labelOf, pictured, wordsOf } = await import("../../../assets/thumbs.js")
const { button } = await import("../../../assets/controls.js")
const { timeLeft, words } = await import("../../../assets/panels/transport.js")
const { precise } = await import("../../../assets/panels/sheet.js")
const { escaped } = await import("../../../assets/panels/scores.js")

test("numbers are as short as they can be read", () => {
  const found = [0.8216, 12.34, 3431, 0, 0.00456, 3.94e28, null, undefined].map(short)
  assert.deepEqual(found, ["0.82", "12.3", "3,431", "0.00", "0.0046", "3.9 × 10²⁸", "–", "–"])
  assert.deepEqual([percent(0.253), percent(0.2534, 1), percent(1)], ["25%", "25.3%", "100%"])
  assert.deepEqual([precise(0.0123), precise(0.00012), precise(null)], ["0.012", "1.2e-4", "–"])
  assert.equal(plainName("augment.jitter_probability"), "jitter probability")
})

test("classes that are colors have these colors, others the theme's, and then another symbol", () => {
  assert.deepEqual(
    classStyles(["red", "blue"], THEME).map((each) => each.color),
    ["#D7303E", "#3C6FE0"],
  )
  const many = classStyles(
    Array.from({ length: 9 }, (_, i) => `class ${i}`),
    THEME,
  )
  assert.deepEqual([many[0].symbol, many[8].symbol, many[8].color], ["circle", "square", many[0].color])
})

test("a button is called by what stands on it, and a sign by what it does", () => {
  const names = [["Clear"], ["Clear", "show all"], ["+", "zoom in"], ["1×", "speed"]].map(([text, label]) =>
    button(text, () => {}, label).getAttribute("aria-label"),
  )
  assert.deepEqual(names, ["Clear", "Clear: show all", "zoom in", "speed"])
})

test("a verdict says its step while the run goes on", () => {
  const run = { steps: 300, verdict: { state: "complete collapse", step: 100, sentence: "All images look alike." } }
  assert.equal(sentenceOf(run), "At step 100: complete collapse. All images look alike.")
  run.steps = 100
  assert.equal(sentenceOf(run), "Complete collapse. All images look alike.")
  assert.deepEqual([sentenceOf(null, "Not yet."), stateOf(run.verdict), stateOf(null)], ["Not yet.", "complete-collapse", ""])
})

test("a check that several rules share is listed once, as what counts", () => {
  const check = (what, holds) => ({ layer: "backbone", what, says: "no learning", holds })
  const found = distinct([check("gain", false), check("agreement", false), check("gain", true), check("gain", false)])
  assert.deepEqual(found, [check("gain", true), check("agreement", false)])
  assert.equal(distinct([check("gain", false), { ...check("gain", false), says: "shortcut" }]).length, 2)
})

test("since when the judge says what it says now", () => {
  const at = (...states) => detectedAt({ verdicts: states.map((state, i) => ({ state, step: 10 * i })) })?.step
  assert.deepEqual([at("starting", "healthy", "healthy"), at("healthy", "shortcut", "healthy"), at()], [10, 20, undefined])
})

test("where the pictures of points lie", () => {
  const element = document.createElement("span")
  pictured(element, { columns: 4, count: 10, source: "sheet.png" }, 6)
  assert.equal(element.style.backgroundSize, "400% 300%")
  assert.equal(element.style.backgroundPosition, `${(100 * 2) / 3}% 50%`)
  const points = { labels: { shape: [1, -1], size: [0.5, 2] }, names: { shape: ["circle", "square"] } }
  assert.deepEqual([labelOf(points, "shape", 1), wordsOf(points, 0)], ["none", "shape: square, size: 0.50"])
})

test("a run is said to do what it does", () => {
  const run = { step: 0, snapshots: new Map(), fetching: null, status: { queue_position: 3 } }
  assert.deepEqual(
    [words(null, "none"), words(run, "queued"), words(run, "running"), words(run, "failed")],
    ["Ready", "Queued, number 3", "Preparing…", "Failed"],
  )
  run.fetching = { what: "cifar10", unit: "bytes", done: 1, total: 4 }
  assert.equal(words(run, "running"), "Downloading cifar10 25%")
})

test("the time left is said as far as it is known, and a run that stalls says that", (t) => {
  t.mock.method(performance, "now", () => 60_000)
  const pace = { longest: () => 1, left: () => 100 }
  const run = { lastNews: 60_000, online: true, fetching: null, pace, step: 5, steps: 10, facts: {} }
  assert.deepEqual(
    [timeLeft(run, "running"), timeLeft(run, "paused"), timeLeft(run, "finished")],
    ["2 min left", "2 min left after Resume", ""],
  )
  run.lastNews = 0
  assert.equal(timeLeft(run, "running"), "no step for 60 s")
  run.lastNews = 60_000
  pace.left = () => null
  assert.equal(timeLeft(run, "running"), "")
})

test("a formula keeps its letters, and names may be anybody's", () => {
  const text = (latex) => formula(latex).textContent
  assert.equal(text("\\frac{1}{n} \\sum_i x_i^2"), "1n∑ixi2")
  assert.equal(text("\\tau \\cdot \\hat z'"), "τ·z^′")
  assert.equal(formula("\\frac12").querySelector("mfrac").children.length, 2)
  assert.equal(escaped("<b>&"), "&lt;b&gt;&amp;")
})
