// One of two maps under one clock. The cloud is as large as the features are spread: a collapse is seen as one.

import { watch } from "../stream.js"
import { isOver } from "../twins.js"
import { setText } from "../theme.js"
import { PointMap } from "./map.js"

const LOOK = "ssl-twin-look"
const LEAST = 0.004 // of the map: what has collapsed is still a dot

export class TwinMap extends PointMap {
  constructor(place, data) {
    super(place)
    this.kind = "pca" // true geometry, at every snapshot: what has collapsed onto a line is a line
    setText(place.querySelector(".ssl-title"), data.title)
    setText(place.querySelector(".ssl-caution"), "PCA keeps the geometry. The cloud is as large as the root of feature std over 1/√d: a dot or a line is a collapse.")
    place.classList.add("ssl-map")
    const move = this.scatter.move.bind(this.scatter)
    this.scatter.look = () => { this.scatter.aim = this.scatter.center = [0, 0, 1] } // the window stays: what shrinks is seen to shrink
    this.scatter.move = (xy) => move(sized(xy, this.spread(this.wanted)))
    this.heard = (event) => event.detail.from !== this && this.follow(event.detail)
    document.addEventListener(LOOK, this.heard)
  }

  turn(run) {
    super.turn(run)
    this.leave?.()
    this.twin = null
    this.leave = this.data.other ? watch(this.data.other, (twin) => this.beside(twin)) : undefined
  }

  beside(twin) {
    this.twin = twin
    if (this.run) this.update(this.run)
  }

  update(run) {
    super.update(run)
    if (run?.error) this.empty.textContent = "This run is not here."
  }

  drawnKind() {
    const laid = (run) => run?.layouts.size > 0
    return this.kind === "umap" && laid(this.run) && (laid(this.twin) || this.free()) ? "umap" : "pca"
  }

  /** Whether the other run holds this one back no longer. */
  free() {
    return !this.data.other || isOver(this.twin)
  }

  /** The steps that both have, as long as both go on. */
  steps() {
    const own = super.steps()
    if (this.free() || !this.twin) return own
    const theirs = this.drawnKind() === "umap" ? this.twin.layouts : this.twin.snapshots.keys()
    const last = Math.max(...theirs, 0)
    return own.filter((step) => step <= last)
  }

  async show(step) {
    this.wanted = step
    await super.show(step)
  }

  /** Feature std over 1/sqrt(d) at a step, of the backbone. */
  spread(step) {
    const series = this.run?.metrics.get("feature_std")
    const healthy = this.run?.facts.references?.find((each) => each.metric === "feature_std")?.value
    const at = series ? series.steps.indexOf(step) : -1
    return at < 0 || !healthy ? 1 : series.values[at] / healthy
  }

  follow({ kind, factor, held, play }) {
    if (play) return super.replay()
    this.kind = kind
    if (factor && this.probe?.labels[factor]) super.color(factor)
    const steps = this.steps()
    if (held === undefined) this.update(this.run)
    else super.scrub(held === null ? steps.length - 1 : nearest(steps, held))
  }

  tell(more = {}) {
    document.dispatchEvent(new CustomEvent(LOOK, { detail: { from: this, kind: this.kind, factor: this.factor, ...more } }))
  }

  choose(kind) {
    super.choose(kind)
    this.tell()
  }

  color(name) {
    super.color(name)
    this.tell()
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
    document.removeEventListener(LOOK, this.heard)
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
  for (let i = 0; i < count; i++) mean[0] += xy[2 * i] / count, mean[1] += xy[2 * i + 1] / count
  const far = Float32Array.from({ length: count }, (_, i) => Math.max(Math.abs(xy[2 * i] - mean[0]), Math.abs(xy[2 * i + 1] - mean[1]))).sort()
  const extent = far[Math.floor(0.99 * (count - 1))] || 1e-12
  const size = Math.min(Math.max(Math.sqrt(spread), LEAST), 1) * 0.94
  const scale = size / Math.max(extent, 1e-12)
  return Float32Array.from(xy, (value, i) => Math.min(Math.max((value - mean[i % 2]) * scale, -1.2), 1.2))
}
