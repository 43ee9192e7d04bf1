// The clock of the page: one step for all maps on it, moved by a slider, by keys, or by playing.

import { make, setText } from "../theme.js"
import { button } from "../panels/mask.js"

const PLAY = 560 // ms from one frame to the next
const SCRUB = 320 // ms of a glide to where somebody jumped
const RETRY = 60 // ms until a frame that was not there yet is looked for again
const SPEEDS = [1, 2, 4]

export class Clock {
  /** on: { show(step, span, even), ready(step), rest() }. */
  constructor(on) {
    this.on = on
    this.steps = []
    this.held = null // the step that somebody went to; null follows the newest
    this.speed = 1
    this.play = button("▶", () => this.toggle(), "play from here")
    this.play.classList.add("ssl-play")
    this.slider = make("input.ssl-scrub")
    Object.assign(this.slider, { type: "range", min: 0, max: 0, value: 0, oninput: () => this.go(this.steps[+this.slider.value]) })
    this.slider.setAttribute("aria-label", "step")
    this.pace = button("1×", () => this.faster(), "speed")
    this.when = make("span.ssl-when")
    this.element = make("div.ssl-time", this.play, this.slider, this.pace, this.when)
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
    this.slider.max = Math.max(this.steps.length - 1, 0)
    this.slider.value = Math.max(this.steps.indexOf(this.now), 0)
    this.slider.disabled = this.play.disabled = this.steps.length < 2
    this.slider.setAttribute("aria-valuetext", `step ${this.now ?? 0}`)
    setText(this.play, this.playing ? "❚❚" : "▶")
    this.play.setAttribute("aria-label", this.playing ? "pause" : "play")
    setText(this.when, this.now === undefined ? "" : `step ${this.now.toLocaleString("en-US")}${this.waiting ? " …" : ""}`)
  }
}
