// The map: where the network puts every image of the probe set, frame after frame.

import { Panel } from "../panel.js"
import { TimeBar, button, buttonGroup, classKey, press, toggled } from "../controls.js"
import { CAUTIONS, KINDS } from "../embeddings/kinds.js"
import { explain } from "../definitions.js"
import { classStyles, make, percent, setText } from "../theme.js"
import { Tip } from "../tip.js"
import { Scatter } from "./scatter.js"

const DRAWN = ["umap", "pca"]
const PLAY = 520 // ms between frames of a replay

export class PointMap extends Panel {
  switch = buttonGroup(
    "projection",
    DRAWN.map((kind) => button(KINDS[kind], () => this.choose(kind))),
  )
  factors = buttonGroup("color by", [])
  canvas = make("canvas.ssl-canvas")
  tip = new Tip()
  empty = make("div.ssl-empty", "Every image of the probe set becomes a point here, and drifts to the images that the network finds alike.")
  legend = make("div.ssl-legend")
  time = new TimeBar(
    "step shown on the map",
    () => this.replay(),
    (place) => this.scrub(place),
  )
  caution = make("p.ssl-caution")
  kind = "umap" // that somebody chose
  /** @type {any} the factor that colors the points, or null */
  factor = null
  /** @type {Set<number> | null} classes that stand out */
  highlighted = null
  /** @type {any} the run that is shown */
  run = null
  /** @type {any} its probe set: labels, names, how to find an image in the sprite sheet */
  probe = null
  sprites = "" // the address of that
  /** @type {string | null} the run whose probe set was asked for last */
  asked = null
  /** @type {string | null} what is on the canvas: run, step, kind */
  shown = null
  /** @type {string | null} what is to come next */
  loading = null
  /** @type {number | null} the step that somebody went to; null follows the run */
  held = null
  /** @type {ReturnType<typeof setInterval> | 0} the timer of a replay */
  playing = 0
  painted = "" // what the colors were made for

  constructor(place) {
    super()
    this.canvas.tabIndex = 0
    this.canvas.setAttribute("role", "img")
    this.factors.classList.add("ssl-factors")
    this.scatter = new Scatter(this.canvas, (i, at) => this.hover(i, at))
    this.build(place)
  }

  build(place) {
    const tools = make(
      "div.ssl-tools",
      button("+", () => this.scatter.magnify(1.4), "zoom in"),
      button("−", () => this.scatter.magnify(1 / 1.4), "zoom out"),
      button("⟲", () => this.scatter.unzoom(), "whole map"),
    )
    const head = make(
      "header.ssl-head",
      explain(make("span.ssl-title", "Map of the probe set"), "map"),
      make("span.ssl-layer", "backbone"),
      make("span.ssl-space"),
      this.switch,
    )
    const by = make("div.ssl-by", make("span.ssl-good", "color by"), this.factors)
    place.append(
      make(
        "section.ssl-chart",
        head,
        by,
        make("div.ssl-stage", this.canvas, tools, this.empty, this.tip.element),
        this.legend,
        this.time.element,
        this.caution,
      ),
    )
  }

  turn(_run) {
    clearInterval(this.playing)
    Object.assign(this, { probe: null, asked: null, shown: null, loading: null, held: null, playing: 0, run: null })
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

  show(step) {
    const { run } = this
    const kind = this.drawnKind()
    return this.draw(`${run?.id} ${step} ${kind}`, step, async () => {
      const arrays = await run.frame(step)
      const there = arrays[kind] ? kind : "pca"
      const xy = arrays[there]
      return [xy.shape ? xy : xy.flat(), there]
    })
  }

  /** Draws what `load()` finds, [points, kind], unless that is drawn already or something else is wanted by then; null: try again. */
  async draw(wanted, step, load) {
    const { run } = this
    if (step === undefined || !this.probe || this.shown === wanted || this.loading === wanted) return
    this.loading = wanted
    try {
      const found = await load()
      if (this.loading !== wanted || this.run !== run) return
      if (!found) return this.update(run)
      const [points, kind] = found
      this.scatter.move(this.placed(points))
      this.shown = wanted
      this.describe(step, kind)
    } catch {
      // It may have been superseded or not yet be complete; what is shown stays until the next event.
    } finally {
      if (this.loading === wanted) this.loading = null
    }
  }

  /** Where the points of a layout, flattened, are drawn: as it has them. */
  placed(xy) {
    return xy
  }

  describe(step, kind) {
    const missing = this.kind === "umap" && kind === "pca"
    this.name(kind)
    setText(this.time.when, `step ${step.toLocaleString("en-US")}${missing ? " · PCA until the first UMAP is ready" : ""}`)
    const accuracy = this.run.now(`knn/${this.factor}`)
    const known = accuracy === undefined ? "" : `; nearest neighbors know it of ${percent(accuracy)} of the images`
    const colored = this.factor ? `colored by ${this.factor}${known}` : "which have no labels"
    const text = `Map of ${this.probe.count ?? this.scatter.to.length / 2} probe images at step ${step}, ${kind.toUpperCase()} of the backbone's output, ${colored}`
    this.canvas.setAttribute("aria-label", text)
  }

  /** The map is called what it is: a UMAP that is not there yet is one that is waited for. */
  name(kind) {
    const waiting = this.kind === "umap" && kind === "pca"
    press(this.switch, (each) => this.kinds[[...this.switch.children].indexOf(each)] === this.drawn(kind))
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
    const at = this.held === null ? steps.length - 1 : steps.indexOf(this.held)
    if (this.held !== null && at < 0) this.held = null
    this.time.show(at < 0 ? steps.length - 1 : at, steps.length, steps.length ? this.time.when.textContent : "")
    this.name(this.drawnKind())
    this.time.name(this.playing ? "❚❚" : "▶", this.playing ? "stop" : "replay from the start")
  }

  paint() {
    if (!this.probe) return this.factors.replaceChildren()
    const factors = Object.keys(this.probe.labels)
    if (this.factors.children.length !== factors.length || this.factors.firstChild?.textContent !== factors[0]) {
      this.factors.replaceChildren(...factors.map((name) => button(name, () => this.color(name))))
    }
    press(this.factors, (each) => each.textContent === this.factor)
    const key = `${this.run?.id} ${this.factor} ${this.theme.dark} ${[...(this.highlighted ?? [])]} ${this.scatter.to.length}`
    if (this.painted === key && (this.legend.children.length || !this.factor)) return
    this.painted = key
    const labels = this.probe.labels[this.factor] ?? null // without labels every point is of the one class there is
    const classes = classStyles(this.names(), this.theme)
    this.scatter.paint(labels, classes, this.highlighted, this.theme.background)
    this.legend.replaceChildren(...(labels ? classes.map((each, i) => this.key(each, i)) : []))
  }

  names() {
    const labels = this.probe.labels[this.factor]
    if (!labels) return ["image"]
    return this.probe.names?.[this.factor] ?? Array.from({ length: Math.max(...labels) + 1 }, (_, i) => `${i}`)
  }

  /** One class in the legend; a click lets it stand out. */
  key(each, i) {
    return classKey(each, Boolean(this.highlighted?.has(i)), () => {
      this.highlighted = toggled(this.highlighted, i)
      this.paint()
    })
  }

  choose(kind) {
    this.kind = kind
    this.held = null
    this.update(this.run)
  }

  color(name) {
    this.factor = name
    this.highlighted = null
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
    if (!this.probe) return
    const points = { ...this.probe, count: this.scatter.to.length / 2, source: this.sprites }
    this.tip.show(i, points, this.factor, null, at ?? [0, 0], this.scatter.size)
  }

  remove() {
    clearInterval(this.playing)
    this.scatter.remove()
  }
}
