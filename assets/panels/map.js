// The map: where the network puts every image of the probe set, frame after frame.

import { Panel } from "../panel.js"
import { TimeBar, button, buttonGroup, classKey, press, toggled } from "../controls.js"
import { cautionOf, titleOf } from "../embeddings/kinds.js"
import { explain } from "../definitions.js"
import { extent, nextWindow } from "../points/camera.js"
import { byFactor, standOut } from "../points/colors.js"
import { spatial } from "../points/frame.js"
import { Stage } from "../points/stage.js"
import { metric } from "../metrics.js"
import { make, percent, setText } from "../theme.js"

const DRAWN = ["umap", "pca"]
const EMPTY = "Every image of the probe set becomes a point here, and drifts to the images that the network finds alike."
const PLAY = 520 // ms between frames of a replay
const GLIDE = 650 // ms from one frame to the next
const FILLED = 0.72 // what the points may fill of the window before it comes closer

export default class PointMap extends Panel {
  switch = buttonGroup(
    "projection",
    DRAWN.map((kind) => button(titleOf(kind), () => this.choose(kind))),
  )
  factors = buttonGroup("color by", [])
  stage = new Stage(
    "img",
    {
      hover: (i) => this.hover(i),
      pick: (i) => this.hover(i),
      lasso: (images) => this.highlight(this.highlighted, images),
      step: (by) => this.go(by),
      play: () => this.replay(),
      clear: () => this.highlight(null, null),
    },
    EMPTY,
  )
  cloud = this.stage.cloud
  canvas = this.stage.canvas
  empty = this.stage.empty
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
  /** @type {number[] | null} images that were drawn around */
  chosen = null
  /** @type {any} the run that is shown */
  run = null
  /** @type {any} its probe set: labels, names, how to find an image in the sprite sheet */
  probe = null
  sprites = "" // the address of that
  /** @type {string | null} the run whose probe set was asked for last */
  asked = null
  /** @type {string | null} what is on the canvas: run, step, kind */
  shown = null
  loading = "" // what is to come next
  /** @type {number | null} the step that somebody went to; null follows the run */
  held = null
  /** @type {ReturnType<typeof setInterval> | 0} the timer of a replay */
  playing = 0
  painted = "" // what the colors were made for

  constructor(place) {
    super()
    this.factors.classList.add("ssl-factors")
    this.build(place)
  }

  build(place) {
    const head = make(
      "header.ssl-head",
      explain(make("span.ssl-title", "Map of the probe set"), "map"),
      make("span.ssl-layer", "backbone"),
      make("span.ssl-space"),
      this.switch,
    )
    const by = make("div.ssl-by", make("span.ssl-good", "color by"), this.factors)
    place.append(make("section.ssl-chart", head, by, this.stage.element, this.legend, this.time.element, this.caution))
  }

  turn(_run) {
    clearInterval(this.playing)
    Object.assign(this, { chosen: null, probe: null, asked: null, shown: null, loading: "", held: null, playing: 0, run: null })
  }

  update(run) {
    this.run = run
    if (run && run.snapshots.size && this.asked !== run.id) this.fetchProbe(run)
    const steps = this.steps()
    this.empty.hidden = Boolean(steps.length && this.probe)
    if (!run || !steps.length) {
      if (this.cloud.count) this.cloud.clear(0)
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
      this.place(spatial(this.placed(points), 2))
      this.shown = wanted
      this.describe(step, kind)
    } catch {
      // It may have been superseded or not yet be complete; what is shown stays until the next event.
    } finally {
      if (this.loading === wanted) this.loading = ""
    }
  }

  /** Puts a layout on the canvas, (N, 3) flattened; the same images as before glide there. */
  place(frame) {
    const known = frame.length === 3 * this.cloud.count
    if (!known) this.cloud.clear(frame.length / 3)
    this.cloud.glide(frame, this.window(frame, known ? this.cloud.camera.window[3] : 0), { span: GLIDE })
    if (!known) this.paint()
  }

  /** What is seen of a layout: as much as before, unless points leave it or fill too little of it. */
  window(frame, side) {
    return nextWindow(side, extent(frame, 3), FILLED)
  }

  /** Where the points of a layout, flattened, are drawn: as it has them. */
  placed(xy) {
    return xy
  }

  describe(step, kind) {
    const missing = this.kind === "umap" && kind === "pca"
    this.name(kind)
    setText(this.time.when, `step ${step.toLocaleString("en-US")}${missing ? " · PCA until the first UMAP is ready" : ""}`)
    const accuracy = this.run.now(metric("knn", this.factor))
    const known = accuracy === undefined ? "" : `; nearest neighbors know it of ${percent(accuracy)} of the images`
    const colored = this.factor ? `colored by ${this.factor}${known}` : "which have no labels"
    const shown = `Map of ${this.probe.count ?? this.cloud.count} probe images at step ${step}`
    this.canvas.setAttribute("aria-label", `${shown}, ${kind.toUpperCase()} of the backbone's output, ${colored}`)
  }

  /** The map is called what it is: a UMAP that is not there yet is one that is waited for. */
  name(kind) {
    const waiting = this.kind === "umap" && kind === "pca"
    press(this.switch, (each) => this.kinds[[...this.switch.children].indexOf(each)] === this.drawn(kind))
    setText(this.switch.firstChild, waiting ? "UMAP …" : titleOf("umap"))
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
    return cautionOf(kind)
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
    const key = JSON.stringify([this.run?.id, this.factor, this.theme.dark, [...(this.highlighted ?? [])], this.chosen, this.cloud.count])
    if (this.painted === key && (this.legend.children.length || !this.factor)) return
    this.painted = key
    const { places, palette, classes } = byFactor(this.factor, { ...this.probe, count: this.cloud.count }, this.theme)
    if (this.cloud.count) this.cloud.paint(places, palette, standOut(places, this.highlighted, this.chosen), this.theme)
    const toggle = (i) => this.highlight(toggled(this.highlighted, i), this.chosen)
    this.legend.replaceChildren(...(classes ?? []).map((each, i) => classKey(each, Boolean(this.highlighted?.has(i)), () => toggle(i))))
  }

  /** classes and images that stand out; null for all. */
  highlight(classes, images) {
    this.highlighted = classes
    this.chosen = images?.length ? images : null
    this.paint()
  }

  choose(kind) {
    this.kind = kind
    this.held = null
    this.update(this.run)
  }

  color(name) {
    this.factor = name
    this.highlight(null, this.chosen)
  }

  /** So many steps on or back. */
  go(by) {
    const steps = this.steps()
    const at = (this.held === null ? steps.length - 1 : steps.indexOf(this.held)) + by
    if (at >= 0 && at < steps.length) this.scrub(at)
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

  hover(i) {
    if (this.probe) this.stage.point(i, { ...this.probe, count: this.cloud.count, source: this.sprites }, this.factor)
  }

  remove() {
    clearInterval(this.playing)
    this.stage.remove()
  }
}
