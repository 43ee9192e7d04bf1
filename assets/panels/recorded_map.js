// One of two maps under one clock: the map, how often nearest neighbors share each factor, and what the network is told is the same.

import { explain } from "../definitions.js"
import { make, setText, short } from "../theme.js"
import { commonWindow, extent } from "../points/camera.js"
import { spatial } from "../points/frame.js"
import { Stage } from "../points/stage.js"
import { EARLY } from "../recording_clock.js"

const TOLD = ["shape", "color"] // the factors that the story is about
const SVG = "http://www.w3.org/2000/svg"

export class RecordedMap {
  /** @type {number[]} of the frames */
  steps = []
  /** @type {Float32Array[]} (N, 3) flattened, a frame */
  maps = []
  window = [0, 0, 0, 1]
  /** @type {Record<string, number[][]>} factor -> [[step, value]] */
  accuracy = {}
  last = 1 // steps of the run
  /** @type {any} */
  probe = null
  sprites = ""
  /** @type {Record<string, { line: SVGElement, chip: HTMLElement | null }> | null} */
  curves = null

  /** hover(i, map): point i of this map is under the pointer, or -1. */
  constructor({ on, claim }, hover) {
    this.stage = new Stage("img", { hover: (i) => hover(i, this), pick: (i) => hover(i, this) }, null)
    this.views = make("img")
    this.views.alt = `Two views of each of four images: their colors ${on ? "differ" : "stay"}`
    this.chips = make("div.ssl-chips")
    this.lines = drawing("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img" })
    const toggle = make("span.ssl-toggle")
    toggle.dataset.on = on
    const told = make("div.ssl-told", this.views, make("span.ssl-caption", "pretext task: match each column"))
    const course = make(
      "div.ssl-course",
      make("div.ssl-line", explain(make("span.ssl-caption", "neighbors share"), "knn/*"), this.chips),
      this.lines,
    )
    this.element = make(
      "figure.ssl-recorded-map",
      make("figcaption.ssl-claim", toggle, claim),
      this.stage.element,
      make("div.ssl-evidence", told, course),
    )
    this.claim = claim
  }

  /** steps: of the frames; maps: (N, 2) each; accuracy: factor -> [[step, value]]; last: steps of the run; probe, sprites, views. */
  take(recorded) {
    Object.assign(this, recorded, { views: this.views })
    this.views.src = recorded.views
    this.maps = recorded.maps.map((each) => spatial(each, 2))
    this.window = commonWindow(this.maps.map((each) => extent(each, 3)))
    this.stage.cloud.clear(this.maps[0].length / 3)
  }

  paint(labels, classes, theme) {
    const size = Math.min(this.stage.canvas.clientWidth / 220, 1.35) // large enough to tell shapes, small enough to tell marks
    const palette = classes.map((each) => ({ ...each, size }))
    this.stage.cloud.paint(labels, palette, null, theme)
    this.curves ??= Object.fromEntries(Object.keys(this.accuracy).map((name) => [name, this.curve(name)]))
    Object.values(this.curves).forEach(({ line, chip }, i) => {
      line.style.stroke = theme.colors[i % theme.colors.length]
      chip?.style.setProperty("--color", theme.colors[i % theme.colors.length])
    })
  }

  curve(name) {
    const line = this.lines.appendChild(drawing("polyline", { class: TOLD.includes(name) ? "ssl-strong" : "" }))
    if (TOLD.includes(name) && this.probe?.labels[name]) {
      const height = 100 - 100 * commonest(this.probe.labels[name])
      this.lines.prepend(drawing("polyline", { class: "ssl-chance", points: `0,${height} 100,${height}` }))
    }
    const chip = TOLD.includes(name) ? this.chips.appendChild(make("span.ssl-chip")) : null
    return { line, chip }
  }

  /** The map as it stands between two frames, and the accuracy up to there. */
  show(step) {
    const next = Math.max(
      this.steps.findIndex((each) => each >= step),
      1,
    )
    const [before, after] = [this.steps[next - 1], this.steps[next]]
    const part = (step - before) / (after - before)
    this.stage.cloud.put(this.maps[next - 1], this.maps[next], part, this.window)
    for (const [name, { line, chip }] of Object.entries(this.curves ?? {})) {
      const known = this.accuracy[name].filter(([each]) => each <= step)
      line.setAttribute("points", known.map(([each, value]) => `${100 * (each / this.last) ** (1 / EARLY)},${100 - 100 * value}`).join(" "))
      if (chip) setText(chip, `${name} ${short(known.at(-1)?.[1])}`)
    }
    this.say(Math.floor(step))
  }

  say(step) {
    const text = `${[...this.chips.children].map((chip) => chip.textContent).join(", ")}`
    this.lines.setAttribute("aria-label", `Live k-NN accuracy at step ${step}: ${text}; dotted: chance`)
    this.stage.canvas.setAttribute("aria-label", `${this.claim}. Recorded map of ${this.stage.cloud.count} probe images at step ${step}`)
  }

  /** Marks point i; here: the pointer is on this map. */
  point(i, here) {
    if (this.probe) this.stage.point(i, { ...this.probe, count: this.stage.cloud.count, source: this.sprites }, null, { here })
  }

  remove() {
    this.stage.remove()
  }
}

/** The share of the commonest label: how often it is right to name it always. */
function commonest(labels) {
  const counts = new Map()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return Math.max(...counts.values()) / labels.length
}

function drawing(tag, attributes) {
  const element = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  return element
}
