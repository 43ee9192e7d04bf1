// One of two maps under one clock. The cloud is as large as the features are spread: a collapse is seen as one.

import { LOOK, announce, hear } from "../announcements.js"
import { request } from "../api.js"
import { unpack } from "../arrays.js"
import { watch } from "../stream.js"
import { isOver } from "../pair.js"
import { button } from "../controls.js"
import { inLayer } from "../metrics.js"
import { setText } from "../theme.js"
import PointMap from "./map.js"

const LEAST = 0.004 // of the map: what has collapsed is still a dot

export default class PairMap extends PointMap {
  /** @type {any} the run beside it */
  other = null
  /** @type {Map<number, Promise<any>> | null} step -> the projector's plane; null where the run kept none */
  planes = new Map()
  /** @type {(() => void) | undefined} ends the watch over the other run */
  leave = undefined
  /** @type {number | undefined} the step that is shown, or will be */
  wanted = undefined

  constructor(place, data) {
    super(place)
    this.kind = "projector" // the layer that the loss works on: there a collapse begins
    this.layer = place.querySelector(".ssl-layer")
    this.switch.append(button("Projector", () => this.choose("projector"), "PCA of the projector's output"))
    setText(place.querySelector(".ssl-title"), data.title)
    place.classList.add("ssl-map")
    this.deafen = hear(LOOK, (detail) => detail.from !== this && this.follow(detail))
  }

  turn(run) {
    super.turn(run)
    this.leave?.()
    this.other = null
    this.planes = new Map() // step -> promise of the projector's plane
    this.leave = this.data.other ? watch(this.data.other, (other) => this.beside(other)) : undefined
  }

  beside(other) {
    this.other = other
    if (this.run) this.update(this.run)
  }

  update(run) {
    super.update(run)
    if (run?.error) this.empty.textContent = "This run is not here."
  }

  /** Whether the projector is drawn: it was asked for, and there is one. */
  get projecting() {
    return this.kind === "projector" && Boolean(this.run?.facts.layers?.projector) && this.planes !== null
  }

  drawnKind() {
    const laid = (run) => run?.layouts.size > 0
    return this.kind === "umap" && laid(this.run) && (laid(this.other) || this.free()) ? "umap" : "pca"
  }

  /** Whether the other run holds this one back no longer. */
  free() {
    return !this.data.other || isOver(this.other)
  }

  /** The steps that both have, as long as both go on. */
  steps() {
    const own = super.steps()
    if (this.free() || !this.other) return own
    const theirs = this.drawnKind() === "umap" ? this.other.layouts : this.other.snapshots.keys()
    const last = Math.max(...theirs, 0)
    return own.filter((step) => step <= last)
  }

  async show(step) {
    this.wanted = step
    setText(this.layer, this.projecting ? "projector" : "backbone")
    if (this.projecting) await this.project(step)
    else await super.show(step)
  }

  /** Draws the projector's plane; of a run of an older version, which kept none, the backbone's. */
  async project(step) {
    const { run } = this
    await this.draw(`${run.id} ${step} projector`, step, async () => {
      const plane = await this.plane(run, step)
      return plane && [plane, "pca"]
    })
  }

  /** The projector's plane at a step, or null where the run kept none. */
  plane(run, step) {
    const known = this.planes?.get(step)
    if (known || !this.planes) return known ?? null
    const asked = request(run.address(`snapshots/${step}/projector`)).then(({ ok, status, body, error }) => {
      if (status === 404) return (this.planes = null)
      if (!ok) throw new Error(error)
      return unpack(body.pca)
    })
    asked.catch(() => this.planes?.delete(step))
    this.planes.set(step, asked)
    return asked
  }

  get kinds() {
    return [...super.kinds, "projector"]
  }

  drawn(kind) {
    return this.projecting ? "projector" : kind
  }

  advice() {
    const spread = this.projecting ? "the spread of the features" : "the square root of the spread of the features"
    return `The size of the cloud is ${spread}. A dot, or in PCA a line, is a collapse.`
  }

  describe(step, kind) {
    super.describe(step, kind)
    if (this.projecting) this.canvas.setAttribute("aria-label", this.canvas.getAttribute("aria-label").replace("backbone's", "projector's"))
  }

  /** Always the same: what shrinks is seen to shrink. */
  window() {
    return [0, 0, 0, 1]
  }

  placed(xy) {
    return sized(xy, this.spread(this.wanted))
  }

  /** How large the cloud is, 1 at most: feature std over 1/sqrt(D) of the layer that is drawn. */
  spread(step) {
    const metric = inLayer(this.projecting ? "projector" : "backbone", "feature_std")
    const series = this.run?.metrics.get(metric)
    const healthy = this.run?.facts.references?.find((each) => each.metric === metric)?.value
    const at = series ? series.steps.indexOf(step) : -1
    const spread = at < 0 || !healthy ? 1 : series.values[at] / healthy
    return this.projecting ? spread : Math.sqrt(spread) // a backbone begins with a tenth of what a projector has
  }

  follow({ kind, factor, held, play, standsOut, hovered }) {
    if (play) return super.replay()
    if (hovered !== undefined) return this.cloud.mark({ hovered: hovered < this.cloud.count ? hovered : -1 })
    if (standsOut) return super.highlight(standsOut.classes, standsOut.images)
    this.kind = kind
    if (factor && this.probe?.labels[factor]) super.color(factor)
    const steps = this.steps()
    if (held === undefined) this.update(this.run)
    else super.scrub(held === null ? steps.length - 1 : nearest(steps, held))
  }

  tell(more = {}) {
    announce(LOOK, { from: this, kind: this.kind, factor: this.factor, ...more })
  }

  choose(kind) {
    super.choose(kind)
    this.tell()
  }

  color(name) {
    super.color(name)
    this.tell()
  }

  /** The same images are on both maps. */
  highlight(classes, images) {
    super.highlight(classes, images)
    this.tell({ standsOut: { classes, images } })
  }

  hover(i) {
    super.hover(i)
    this.tell({ hovered: i })
  }

  scrub(i) {
    super.scrub(i)
    this.tell({ held: this.held })
  }

  replay() {
    super.replay()
    this.tell({ play: true })
  }

  remove() {
    this.deafen()
    this.leave?.()
    super.remove()
  }
}

function nearest(steps, wanted) {
  return steps.reduce((best, step, i) => (Math.abs(step - wanted) < Math.abs(steps[best] - wanted) ? i : best), 0)
}

/** xy, flattened: centered, and as large as its spread, where 1 fills the map. */
function sized(xy, spread) {
  const count = xy.length / 2
  const mean = [0, 0]
  xy.forEach((value, i) => (mean[i % 2] += value / count))
  const far = Float32Array.from({ length: count }, (_, i) =>
    Math.max(Math.abs(xy[2 * i] - mean[0]), Math.abs(xy[2 * i + 1] - mean[1])),
  ).sort()
  const extent = far[Math.floor(0.99 * (count - 1))] || 1e-12
  const size = Math.min(Math.max(spread, LEAST), 1) * 0.94
  const scale = size / Math.max(extent, 1e-12)
  return Float32Array.from(xy, (value, i) => Math.min(Math.max((value - mean[i % 2]) * scale, -1.2), 1.2))
}
