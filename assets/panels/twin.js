// One of two maps under one clock: the map, how often nearest neighbors share each factor, and what the network is told is the same.

import { explain } from "../definitions.js"
import { make, setText, short } from "../theme.js"
import { Scatter } from "./scatter.js"
import { extent } from "../atlas/camera.js"
import { EARLY } from "../recorded.js"

const THUMB = 96 // px
const TOLD = ["shape", "color"] // the factors that the story is about
const MARGIN = 1.05
const SVG = "http://www.w3.org/2000/svg"

export class Twin {
  constructor({ on, claim }) {
    this.canvas = make("canvas.ssl-canvas")
    this.canvas.tabIndex = 0
    this.canvas.setAttribute("role", "img")
    this.tip = make("div.ssl-tip", (this.thumb = make("div.ssl-thumb")), (this.facts = make("div.ssl-facts")))
    this.tip.hidden = true
    this.views = make("img")
    this.views.alt = `Two views of each of four images: their colors ${on ? "differ" : "stay"}`
    this.chips = make("div.ssl-chips")
    this.lines = drawing("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img" })
    const toggle = make("span.ssl-toggle")
    toggle.dataset.on = on
    const told = make("div.ssl-told", this.views, make("span.ssl-caption", "its task: match top to bottom"))
    const course = make(
      "div.ssl-course",
      make("div.ssl-line", explain(make("span.ssl-caption", "neighbors share"), "knn/*"), this.chips),
      this.lines,
    )
    this.element = make(
      "figure.ssl-twin",
      make("figcaption.ssl-claim", toggle, claim),
      make("div.ssl-stage", this.canvas, this.tip),
      make("div.ssl-evidence", told, course),
    )
    this.claim = claim
    this.scatter = new Scatter(this.canvas, (i, at) => this.hover(i, at))
  }

  /** steps: of the frames; maps: (N, 2) each; accuracy: factor -> [[step, value]]; last: steps of the run; probe, sprites, views. */
  take(recorded) {
    Object.assign(this, recorded, { views: this.views })
    this.views.src = recorded.views
    this.at = new Float32Array(this.maps[0].length)
    this.scatter.hold(around(this.maps))
  }

  paint(labels, classes, theme) {
    const size = Math.min(this.canvas.clientWidth / 220, 1.35) // large enough to tell shapes, small enough to tell marks
    this.scatter.paint(
      labels,
      classes.map((each) => ({ ...each, size })),
      null,
      theme.background,
    )
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
    const [from, to] = [this.maps[next - 1], this.maps[next]]
    for (let i = 0; i < this.at.length; i++) this.at[i] = from[i] + (to[i] - from[i]) * part
    this.scatter.move(this.at, false)
    for (const [name, { line, chip }] of Object.entries(this.curves)) {
      const known = this.accuracy[name].filter(([each]) => each <= step)
      line.setAttribute("points", known.map(([each, value]) => `${100 * (each / this.last) ** (1 / EARLY)},${100 - 100 * value}`).join(" "))
      if (chip) setText(chip, `${name} ${short(known.at(-1)[1])}`)
    }
    this.say(Math.floor(step))
  }

  say(step) {
    const text = `${[...this.chips.children].map((chip) => chip.textContent).join(", ")}`
    this.lines.setAttribute("aria-label", `Live k-NN accuracy at step ${step}: ${text}; dotted: chance`)
    this.canvas.setAttribute("aria-label", `${this.claim}. Recorded map of ${this.at.length / 2} probe images at step ${step}`)
  }

  hover(i, at) {
    this.tip.hidden = i < 0 || !this.probe
    if (this.tip.hidden) return
    const { tile, columns, labels, names } = this.probe
    this.thumb.style.cssText =
      `background-image:url(${this.sprites});background-size:${columns * THUMB}px auto;` +
      `background-position:${-(i % columns) * THUMB}px ${-Math.floor(i / columns) * (THUMB / tile) * tile}px`
    this.facts.replaceChildren(...Object.keys(labels).map((factor) => make("span", `${factor}: ${names[factor][labels[factor][i]]}`)))
    const { width, height } = this.scatter.size
    this.tip.style.left = `${at[0] > width / 2 ? at[0] - this.tip.offsetWidth - 16 : at[0] + 16}px`
    this.tip.style.top = `${Math.min(Math.max(at[1] - 60, 0), height - this.tip.offsetHeight)}px`
  }

  remove() {
    this.scatter.remove()
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

/** The window that holds every frame. */
function around(maps) {
  const seen = maps.map((each) => extent(each, 2))
  const [left, right] = [Math.min(...seen.map(([x, , half]) => x - half)), Math.max(...seen.map(([x, , half]) => x + half))]
  const [low, high] = [Math.min(...seen.map(([, y, half]) => y - half)), Math.max(...seen.map(([, y, half]) => y + half))]
  return [(left + right) / 2, (low + high) / 2, (MARGIN * Math.max(right - left, high - low)) / 2]
}
