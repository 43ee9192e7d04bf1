// The map: where the network puts every image of the probe set, frame after frame.

import { CAUTIONS, KINDS } from "../atlas/kinds.js"
import { explain } from "../definitions.js"
import { make, setText, short, classStyles } from "../theme.js"
import { symbol } from "../symbols.js"
import { Scatter } from "./scatter.js"

const DRAWN = ["umap", "pca"]
const THUMB = 96 // px, of the picture beside the pointer
const PLAY = 520 // ms between frames of a replay

export class PointMap {
  constructor(place) {
    this.kind = "umap"
    this.factor = null
    this.lit = null
    this.build(place)
    this.scatter = new Scatter(this.canvas, (i, at) => this.hover(i, at))
  }

  build(place) {
    this.switch = make("div.ssl-switch", ...DRAWN.map((kind) => this.button(KINDS[kind], () => this.choose(kind))))
    this.switch.setAttribute("role", "group")
    this.switch.setAttribute("aria-label", "projection")
    this.factors = make("div.ssl-switch.ssl-factors")
    this.factors.setAttribute("role", "group")
    this.factors.setAttribute("aria-label", "color by")
    this.canvas = make("canvas.ssl-canvas")
    this.canvas.tabIndex = 0
    this.canvas.setAttribute("role", "img")
    this.tip = make("div.ssl-tip", (this.thumb = make("div.ssl-thumb")), (this.facts = make("div.ssl-facts")))
    this.tip.hidden = true
    this.empty = make(
      "div.ssl-empty",
      "Every image of the probe set becomes a point here, and drifts to the images that the network finds alike.",
    )
    this.tools = make(
      "div.ssl-tools",
      this.button("+", () => this.scatter.magnify(1.4), "zoom in"),
      this.button("−", () => this.scatter.magnify(1 / 1.4), "zoom out"),
      this.button("⟲", () => this.scatter.unzoom(), "whole map"),
    )
    this.legend = make("div.ssl-legend")
    this.play = this.button("▶", () => this.replay(), "replay from the start")
    this.play.classList.add("ssl-play")
    this.slider = make("input.ssl-scrub")
    Object.assign(this.slider, { type: "range", min: 0, max: 0, value: 0, oninput: () => this.scrub(+this.slider.value) })
    this.slider.setAttribute("aria-label", "step shown on the map")
    this.when = make("span.ssl-when")
    this.time = make("div.ssl-time", this.play, this.slider, this.when)
    const head = make(
      "header.ssl-head",
      explain(make("span.ssl-title", "Map of the probe set"), "map"),
      make("span.ssl-layer", "backbone"),
      make("span.ssl-space"),
      this.switch,
    )
    const by = make("div.ssl-by", make("span.ssl-good", "color by"), this.factors)
    this.caution = make("p.ssl-caution")
    place.append(
      make(
        "section.ssl-chart",
        head,
        by,
        make("div.ssl-stage", this.canvas, this.tools, this.empty, this.tip),
        this.legend,
        this.time,
        this.caution,
      ),
    )
  }

  button(text, act, label = text) {
    const button = make("button.ssl-button", text)
    button.type = "button"
    button.title = label
    button.setAttribute("aria-label", label)
    button.onclick = act
    return button
  }

  turn() {
    this.probe = null
    this.asked = null
    this.shown = null // { step, kind } on the canvas
    this.loading = null
    this.held = null // the step that somebody scrubbed to; null follows the run
    clearInterval(this.playing)
    this.playing = 0
    this.run = null
  }

  update(run) {
    this.run = run
    if (run && run.snapshots.size && this.asked !== run.id) this.fetchProbe(run)
    const steps = this.steps()
    this.empty.hidden = Boolean(steps.length && this.probe)
    if (!run || !steps.length) {
      if (this.scatter.to.length) this.scatter.clear()
      this.legend.replaceChildren()
    }
    this.controls(steps)
    this.show(this.held ?? steps.at(-1))
    this.paint()
  }

  async fetchProbe(run) {
    this.asked = run.id
    try {
      const about = await run.details()
      if (this.run !== run) return
      this.probe = about.probe
      this.sprites = run.address("sprites.png")
      const factors = Object.keys(this.probe.labels)
      if (!factors.includes(this.factor)) this.factor = factors[0] ?? null
      this.update(run)
    } catch {
      // The snapshot is announced a moment before the atlas can be read: the next event asks again.
      this.asked = null
    }
  }

  /** UMAP where there is any; until the first one is ready the PCA stands in for it. */
  drawnKind() {
    return this.kind === "umap" && this.run?.layouts.size ? "umap" : "pca"
  }

  steps() {
    if (!this.run) return []
    const all = this.drawnKind() === "umap" ? this.run.layouts : this.run.snapshots.keys()
    return [...all].sort((a, b) => a - b)
  }

  async show(step) {
    const { run } = this
    const kind = this.drawnKind()
    const wanted = `${run?.id} ${step} ${kind}`
    if (step === undefined || !this.probe || this.shown === wanted || this.loading === wanted) return
    this.loading = wanted
    try {
      const arrays = await run.frame(step)
      if (this.loading !== wanted || this.run !== run) return
      const there = arrays[kind] ? kind : "pca"
      const xy = arrays[there]
      this.scatter.move(xy.shape ? xy : xy.flat())
      this.shown = wanted
      this.describe(step, there)
    } catch {
      // It may have been superseded or not yet be complete; what is shown stays until the next event.
    } finally {
      if (this.loading === wanted) this.loading = null
    }
  }

  describe(step, kind) {
    const missing = this.kind === "umap" && kind === "pca"
    this.name(kind)
    setText(this.when, `step ${step.toLocaleString("en-US")}${missing ? " · PCA until the first UMAP is ready" : ""}`)
    const accuracy = this.run.now(`knn/${this.factor}`)
    const known = accuracy === undefined ? "" : `; nearest neighbors know it of ${Math.round(100 * accuracy)} % of the images`
    const colored = this.factor ? `colored by ${this.factor}${known}` : "which have no labels"
    const text = `Map of ${this.probe.count ?? this.scatter.to.length / 2} probe images at step ${step}, ${kind.toUpperCase()} of the backbone's output, ${colored}`
    this.canvas.setAttribute("aria-label", text)
  }

  /** The map is called what it is: a UMAP that is not there yet is one that is waited for. */
  name(kind) {
    const waiting = this.kind === "umap" && kind === "pca"
    ;[...this.switch.children].forEach((button, i) => button.setAttribute("aria-pressed", this.kinds[i] === this.drawn(kind)))
    setText(this.switch.firstChild, waiting ? "UMAP …" : KINDS.umap)
    setText(this.caution, this.advice(kind))
  }

  /** What each button stands for. */
  get kinds() {
    return DRAWN
  }

  /** Which of them is drawn, with a map of this kind. */
  drawn(kind) {
    return kind
  }

  /** How it is to be read. */
  advice(kind) {
    return CAUTIONS[kind]
  }

  controls(steps) {
    this.slider.max = Math.max(steps.length - 1, 0)
    this.slider.disabled = this.play.disabled = steps.length < 2
    const at = this.held === null ? steps.length - 1 : steps.indexOf(this.held)
    if (this.held !== null && at < 0) this.held = null
    this.slider.value = at < 0 ? steps.length - 1 : at
    this.name(this.drawnKind())
    setText(this.play, this.playing ? "❚❚" : "▶")
    if (!steps.length) setText(this.when, "")
  }

  paint() {
    if (!this.probe) return this.factors.replaceChildren()
    const factors = Object.keys(this.probe.labels)
    if (this.factors.children.length !== factors.length || this.factors.firstChild?.textContent !== factors[0]) {
      this.factors.replaceChildren(...factors.map((name) => this.button(name, () => this.color(name))))
    }
    ;[...this.factors.children].forEach((button) => button.setAttribute("aria-pressed", button.textContent === this.factor))
    const key = `${this.run?.id} ${this.factor} ${this.theme.dark} ${[...(this.lit ?? [])]} ${this.scatter.to.length}`
    if (this.painted === key && (this.legend.children.length || !this.factor)) return
    this.painted = key
    const labels = this.probe.labels[this.factor] ?? null // without labels every point is of the one class there is
    const classes = classStyles(this.names(), this.theme)
    this.scatter.paint(labels, classes, this.lit, this.theme.background)
    this.legend.replaceChildren(...(labels ? classes.map((each, i) => this.key(each, i)) : []))
  }

  names() {
    const labels = this.probe.labels[this.factor]
    if (!labels) return ["image"]
    return this.probe.names?.[this.factor] ?? Array.from({ length: Math.max(...labels) + 1 }, (_, i) => `${i}`)
  }

  /** One class in the legend; a click lets it stand out. */
  key(each, i) {
    const button = make("button.ssl-key", symbol(each), each.name)
    button.type = "button"
    button.setAttribute("aria-pressed", Boolean(this.lit?.has(i)))
    button.onclick = () => {
      this.lit ??= new Set()
      if (!this.lit.delete(i)) this.lit.add(i)
      if (!this.lit.size) this.lit = null
      this.paint()
    }
    return button
  }

  choose(kind) {
    this.kind = kind
    this.held = null
    this.update(this.run)
  }

  color(name) {
    this.factor = name
    this.lit = null
    this.paint()
  }

  scrub(i) {
    const steps = this.steps()
    this.held = i >= steps.length - 1 ? null : steps[i]
    clearInterval(this.playing)
    this.playing = 0
    this.update(this.run)
  }

  replay() {
    if (this.playing) return this.scrub(this.steps().length - 1)
    let i = 0
    const next = () => {
      const steps = this.steps()
      this.held = i < steps.length - 1 ? steps[i] : null
      i += 1
      if (this.held === null) {
        clearInterval(this.playing)
        this.playing = 0
      }
      this.update(this.run)
    }
    this.playing = setInterval(next, PLAY)
    next()
  }

  hover(i, at) {
    this.tip.hidden = i < 0 || !this.probe
    if (this.tip.hidden) return
    const { tile, columns } = this.probe
    const zoom = THUMB / tile
    this.thumb.style.cssText =
      `background-image:url(${this.sprites});background-size:${columns * THUMB}px auto;` +
      `background-position:${-(i % columns) * tile * zoom}px ${-Math.floor(i / columns) * tile * zoom}px`
    this.facts.replaceChildren(
      ...Object.keys(this.probe.labels).map((factor) => {
        const label = this.probe.labels[factor][i]
        return make(factor === this.factor ? "b" : "span", `${factor}: ${this.probe.names?.[factor]?.[label] ?? short(label)}`)
      }),
    )
    const { width, height } = this.scatter.size
    this.tip.style.left = `${at[0] > width / 2 ? at[0] - this.tip.offsetWidth - 16 : at[0] + 16}px`
    this.tip.style.top = `${Math.min(Math.max(at[1] - 60, 0), height - this.tip.offsetHeight)}px`
  }

  remove() {
    clearInterval(this.playing)
    this.scatter.remove()
  }
}
