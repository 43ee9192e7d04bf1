// The frames of one run's map: fetched ahead, a few at a time, in the order in which they will be shown.

import { addressOf, request } from "../api.js"
import { percent } from "../theme.js"
import { extent, windows } from "../points/camera.js"
import { isRound, isSlow } from "./kinds.js"
import { readFrame, spatial } from "../points/frame.js"

const AT_ONCE = 3 // requests under way
const FILLED = 0.45 // what a map may fill of its window before the window follows: below that, collapse would not be seen

export class FrameCache {
  run = ""
  /** @type {any} what the map is of: kind, layer, points */
  query = {}
  /** @type {number[]} that can be asked for */
  steps = []
  /** @type {Set<number>} that are laid out already */
  ready = new Set()
  /** @type {number | undefined} the step that is shown, or will be */
  wanted = undefined
  /** @type {Map<number, Float32Array>} step -> (N, 3) flattened */
  frames = new Map()
  /** @type {Map<number, number[]>} step -> middle and half the side of its frame */
  extents = new Map()
  /** @type {Map<number, string>} step -> why there is no frame */
  lost = new Map()
  /** @type {Map<number, any>} step -> what else is known of it */
  facts = new Map()
  /** @type {Set<number>} */
  asked = new Set()
  /** @type {Map<number, number[]> | null} step -> what is seen at it */
  tracks = null
  /** @type {{ step: number, frame: Float32Array, facts: any, window: number[] } | null} a PCA that stands in */
  standingIn = null
  /** @type {number | null} the step whose PCA was asked for last */
  standingInAt = null
  abort = new AbortController() // of all requests under way

  /** changed(): a frame has come, or cannot be had. */
  constructor(changed) {
    this.changed = changed
  }

  /** Another run, layer or projection: frames of before are forgotten. */
  turn(run, query) {
    this.abort.abort()
    this.abort = new AbortController()
    Object.assign(this, { run, query, steps: [], ready: new Set(), wanted: undefined })
    Object.assign(this, { frames: new Map(), extents: new Map(), lost: new Map(), facts: new Map(), asked: new Set(), tracks: null })
    this.standingIn = this.standingInAt = null
  }

  /** Steps that can be asked for, and those that are laid out already; those that failed may be tried again. */
  list(steps, ready = []) {
    this.steps = steps
    this.ready = new Set(ready)
    this.lost.clear()
  }

  /** The step that stands in for this one: itself, or the nearest before it that can be shown. */
  at(step) {
    const before = this.steps.filter((each) => each <= step && !this.lost.has(each))
    return before.at(-1) ?? this.steps.find((each) => !this.lost.has(each))
  }

  get(step) {
    return this.frames.get(step)
  }

  /** The last step up to this one whose frame is here: it is shown until that of the step itself has come. */
  here(step) {
    return this.steps.filter((each) => each <= step && this.frames.has(each)).at(-1)
  }

  /** The PCA that stands in while no frame up to this step is here: that of the step, or of the one before until it has come. */
  standIn(step) {
    if (step === undefined || !isSlow(this.query.kind)) return null
    if (this.standingInAt !== step && !this.ready.has(step)) this.fetchStandIn((this.standingInAt = step))
    return this.standingIn
  }

  async fetchStandIn(step) {
    const { abort } = this
    const { ok, body } = await this.request(`${step}/pca`)
    if (!ok || abort.signal.aborted || this.standingInAt !== step) return // the map itself is asked for too, and says what is wrong
    const frame = spaceOf(body)
    this.standingIn = { step, frame, facts: body.facts, window: windows([extent(frame, 3)], FILLED)[0] }
    this.changed(step)
  }

  request(path) {
    const address = addressOf(`runs/${this.run}/map/${path}`, { ...this.query, format: "binary" })
    return request(address, { signal: this.abort.signal }, async (response) => readFrame(await response.arrayBuffer()))
  }

  /**
   * Fetches the frame of a step, then those after it, then those before. Layouts that are still to be made come in the order of
   * time: each starts from the last.
   */
  want(step) {
    this.wanted = step
    while (this.asked.size < AT_ONCE) {
      const next = this.next()
      if (next === undefined) return
      this.fetch(next)
    }
  }

  next() {
    const from = Math.max(this.steps.indexOf(this.at(this.wanted) ?? -1), 0)
    const made = this.ready.has(this.steps[from])
    const order = made ? [...this.steps.slice(from), ...this.steps.slice(0, from).reverse()] : this.steps
    return order.find((step) => !this.frames.has(step) && !this.asked.has(step) && !this.lost.has(step))
  }

  async fetch(step) {
    const { abort, frames, lost, asked, facts } = this
    asked.add(step)
    const { ok, body, error } = await this.request(step)
    if (ok) {
      frames.set(step, spaceOf(body))
      facts.set(step, body.facts)
    } else lost.set(step, error)
    asked.delete(step)
    if (abort.signal.aborted) return
    this.tracks = null
    this.changed(step)
    this.want(this.wanted)
  }

  /** How far the frame of a step can be trusted, in sentences. */
  says(facts) {
    const { variance, kept } = facts ?? {}
    const axes = variance ? [`These axes hold ${variance.map((share) => percent(share)).join(" + ")} of the variance.`] : []
    return kept === undefined || kept === null
      ? axes
      : [...axes, `Of ten nearest neighbors in feature space, ${percent(kept)} are also neighbors on this map.`]
  }

  /** What is seen at a step: [x, y, z, half]. A sphere fills its window as it is. */
  window(step) {
    if (isRound(this.query.kind)) return [0, 0, 0, 1.12]
    if (!this.tracks) {
      const known = this.steps.filter((each) => this.frames.has(each))
      this.tracks = new Map(
        windows(
          known.map((each) => this.extent(each)),
          FILLED,
        ).map((window, i) => [known[i], window]),
      )
    }
    return this.tracks.get(step)
  }

  /** The extent of a frame, measured once. */
  extent(step) {
    const frame = this.frames.get(step)
    if (frame && !this.extents.has(step)) this.extents.set(step, extent(frame, 3))
    return this.extents.get(step) ?? [0, 0, 0, 1]
  }
}

const spaceOf = ({ places }) => spatial(places, places.shape[1])
