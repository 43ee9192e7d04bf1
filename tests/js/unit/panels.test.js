import assert from "node:assert/strict"
import test from "node:test"
import { settled } from "../support/browser.js"

globalThis.WebSocket = class {
  static OPEN = 1
  readyState = 0
}
globalThis.Image = class {
  decode = () => Promise.reject(new DOMException("no picture"))
}
const { draw, leave } = await import("../../../assets/live.js")
const { page } = await import("../../../assets/page.js")

/** What Python may say to a panel: each takes what it knows. */
const DATA = {
  address: "views?image=1",
  base: "8000",
  broken: "abcd2346",
  clusters: 8,
  color: "shape",
  counts: [1, 2],
  data: "shapes",
  datasets: [{ name: "shapes", title: "Shapes" }],
  factor: "shape",
  first: 0,
  grid: 4,
  healthy: "abcd2345",
  high: 1,
  kind: "umap",
  last: 1,
  layer: "backbone",
  low: 0,
  mean: [0, 0, 0],
  origin: "random 0.75 0",
  other: "abcd2345",
  points: "probe",
  rows: [],
  runs: [{ id: "abcd2345", title: "SimCLR", short: "SimCLR", images: "shapes" }],
  side: 32,
  spread: [0, 0, 0],
  sprites: { src: "sprites.png", count: 3, tile: 32, columns: 2 },
  steps: "views/steps?image=1",
  title: "Healthy",
  whole: { name: "all", count: 3, probe: 2, examples: "" },
}
const FACTS = {
  steps: 10,
  layers: { backbone: 64, projector: 32 },
  bins: { teacher: 4 },
  measures: { "teacher/entropy": { title: "Entropy", good: "high", low: 0, high: 2 } },
  references: [{ metric: "loss", value: 2, meaning: "constant outputs" }],
  schedules: [{ name: "method.temperature", shape: "linear", start: 1, end: 0 }],
}
const CHECK = { layer: "backbone", what: "spread", value: 0.5, side: "below", limit: 0.2, says: "collapse", met: false }
const VALUES = { loss: 3, "knn/shape": 0.4, "knn/color": 0.5, feature_std: 0.1, "projector/feature_std": 0.05, rankme_centered: 5 }
const EVENTS = [
  ["started", 0, FACTS],
  ["metrics", 1, { ...VALUES, alignment: 1, uniformity: -1, "teacher/entropy": 0.3, "teacher/perplexity": 2 }],
  ["metrics", 2, { loss: 2.5 }],
  ["change", 2, { name: "method.temperature", value: 1 }],
  ["verdict", 2, { state: "healthy", sentence: "Images differ.", checks: [CHECK] }],
  ["snapshot", 2, ["views"]],
]
const NAMES = [
  "transport",
  "curves",
  "plane",
  "map",
  "collapse",
  "pictures",
  "inside",
  "contact-sheet",
  "numbers",
  "views",
  "overlap",
  "presets",
  "augmentation-probes",
]
NAMES.push("invariance", "embeddings", "pair-status", "verdicts", "pair-map", "pair-curves", "geometry", "evaluation", "losses")

for (const name of NAMES) {
  test(`the panel ${name} is drawn without a run, turns to one, hears its news, and leaves`, async () => {
    const place = document.createElement("div")
    document.body.append(place)
    await draw(place, { ...DATA, panel: name, run: null }, () => {})
    await draw(place, { ...DATA, panel: name, run: "abcd2345" }, () => {})
    const run = page.runs.get("abcd2345")
    Object.assign(run, { online: true, status: { status: "running", step: 2, steps: 10, message: "" } })
    EVENTS.forEach(([kind, step, body], i) => run.take([i + 1, kind, step, step, body]))
    for (const listener of [...run.watchers]) listener(run)
    assert.ok(place.children.length > 0)
    assert.equal(page.panels.get(place).panel.theme.background, "#ffffff")
    leave(place)
    assert.equal(page.panels.has(place), false)
    await settled()
  })
}

test("of what a panel is told while it loads only the newest counts, and one that has left is not mounted", async () => {
  const [place, gone] = [document.createElement("div"), document.createElement("div")]
  const told = ["first", "second"].map((note) => draw(place, { ...DATA, panel: "numbers", run: null, note }, () => {}))
  const leaving = draw(gone, { ...DATA, panel: "numbers", run: null }, () => {})
  leave(gone)
  await Promise.all([...told, leaving])
  assert.equal(page.panels.get(place).panel.data.note, "second")
  assert.equal(page.panels.has(gone), false)
  leave(place)
})
