// The clock of the page: one step for all maps on it, moved by a slider, by keys, or by playing.

import { TimeBar, button } from "../controls.js"
import { setText } from "../theme.js"

const PLAY = 560 // ms from one frame to the next
const SCRUB = 320 // ms of a glide to where somebody jumped
const RETRY = 60 // ms until a frame that was not there yet is looked for again
const SPEEDS = [1, 2, 4]

export class Clock {
  /** @type {ReturnType<typeof setTimeout> | 0} the timer of the next frame; 0 while it stands */
  playing = 0
  waiting = false // for a frame that the server has not sent yet

  /** on: { show(step, span, even), ready(step), rest() }. */
  constructor(on) {
    this.on = on
    this.steps = []
    this.held = null // the step that somebody went to; null follows the newest
    this.speed = 1
    this.bar = new TimeBar(
      "step",
      () => this.toggle(),
      (place) => this.go(this.steps[place]),
    )
    this.pace = button("1×", () => this.faster(), "speed")
    this.bar.slider.after(this.pace)
    this.element = this.bar.element
    this.draw()
  }

  /** The step that is shown. */
  get now() {
    return this.held ?? this.steps.at(-1)
  }

  /** Steps at which any map changes. A clock that follows the newest goes on with it. */
  list(steps) {
    if (steps.length === this.steps.length && steps.every((step, i) => step === this.steps[i])) return
    this.steps = steps
    if (this.held !== null && !steps.includes(this.held)) this.held = steps.filter((step) => step <= this.held).at(-1) ?? null
    this.draw()
    if (!this.playing && this.now !== undefined) this.on.show(this.now, PLAY, false)
  }

  go(step, span = SCRUB) {
    if (step === undefined) return
    this.pause()
    this.set(step)
    this.on.show(step, span, false)
    this.on.rest()
  }

  set(step) {
    this.held = step === this.steps.at(-1) ? null : step
    this.draw()
  }

  by(count) {
    const at = this.steps.indexOf(this.now) + count
    if (at >= 0 && at < this.steps.length) this.go(this.steps[at])
  }

  toggle() {
    if (this.playing) return this.stop()
    if (this.steps.length < 2) return
    if (this.now === this.steps.at(-1)) {
      this.set(this.steps[0])
      this.on.show(this.now, SCRUB, false)
    }
    this.playing = setTimeout(() => this.tick(), SCRUB)
    this.draw()
  }

  tick() {
    const next = this.steps[this.steps.indexOf(this.now) + 1]
    if (next === undefined) return this.stop()
    this.waiting = !this.on.ready(next)
    if (!this.waiting) {
      this.set(next)
      this.on.show(next, PLAY / this.speed, true)
    } else this.draw()
    this.playing = setTimeout(() => this.tick(), this.waiting ? RETRY : PLAY / this.speed)
  }

  pause() {
    clearTimeout(this.playing)
    this.playing = 0
    this.waiting = false
    this.draw()
  }

  stop() {
    this.pause()
    this.on.rest()
  }

  faster() {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length]
    setText(this.pace, `${this.speed}×`)
    this.pace.setAttribute("aria-label", `speed: ${this.speed} times`)
  }

  draw() {
    const at = this.now === undefined ? "" : `step ${this.now.toLocaleString("en-US")}${this.waiting ? " …" : ""}`
    this.bar.show(this.steps.indexOf(this.now), this.steps.length, at)
    this.bar.slider.setAttribute("aria-valuetext", `step ${this.now ?? 0}`)
    this.bar.name(this.playing ? "❚❚" : "▶", this.playing ? "pause" : "play")
  }
}
