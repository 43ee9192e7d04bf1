// One clock for two runs: the step that both have reached, and where each of them stands.

import { Panel } from "../panel.js"
import { explain } from "../definitions.js"
import { make, setText } from "../theme.js"
import { SIDES, RunPair, isOver } from "../pair.js"
import { capital } from "../verdict.js"
import { timeLeft, words } from "./transport.js"

export default class PairStatus extends Panel {
  constructor(place) {
    super()
    this.dot = make("span.ssl-dot")
    this.status = make("strong.ssl-status")
    this.status.setAttribute("role", "status")
    this.where = explain(make("span.ssl-where"), "step")
    this.left = explain(make("span.ssl-left"), "time left")
    this.hint = make("span.ssl-hint", "reconnecting…")
    this.fill = make("div.ssl-fill")
    this.bar = make("div.ssl-bar", this.fill)
    this.bar.setAttribute("role", "progressbar")
    this.bar.setAttribute("aria-label", "steps that both have taken")
    this.message = make("span.ssl-message")
    place.classList.add("ssl-transport")
    place.append(
      make("div.ssl-line", this.dot, this.status, this.hint, make("span.ssl-space"), this.where, this.left),
      this.bar,
      make("div.ssl-line.ssl-second", this.message),
    )
    this.pair = new RunPair(() => this.draw())
    this.sent = ""
    this.ticking = setInterval(() => this.time(), 1000) // runs that stall bring no news
  }

  update() {
    this.pair.follow(this.data)
    this.draw()
  }

  draw() {
    const { pair } = this
    const states = Object.fromEntries(SIDES.filter((side) => this.data[side]).map((side) => [side, status(pair.runs[side])]))
    this.tell(states)
    const known = pair.both.filter(([, run]) => run.status)
    this.hint.hidden = !known.some(([, run]) => !run.online)
    this.dot.dataset.state =
      states.healthy === states.broken ? (states.healthy ?? "none") : known.some(([, run]) => !isOver(run)) ? "running" : states.broken
    setText(this.status, this.word(states))
    const { clock, steps } = pair
    this.fill.style.width = `${known.length ? (100 * clock) / steps : 0}%`
    this.bar.setAttribute("aria-valuenow", known.length ? Math.round((100 * clock) / steps) : 0)
    setText(this.where, known.length ? `step ${clock.toLocaleString("en-US")} / ${steps.toLocaleString("en-US")}` : "")
    this.time()
    this.say(states)
  }

  /** That of whichever is behind. */
  time() {
    const slow = this.pair.both
      .map(([, run]) => run)
      .filter((run) => ["running", "paused"].includes(status(run)))
      .sort((a, b) => a.step - b.step)[0]
    setText(this.left, slow ? timeLeft(slow, status(slow)) : "")
  }

  word(states) {
    const statuses = SIDES.filter((side) => side in states).map((side) => [side, words(this.pair.runs[side], states[side])])
    if (!statuses.length) return "Ready"
    if (statuses.every(([, word]) => word === statuses[0][1])) return statuses[0][1] === "Training" ? "Both train" : statuses[0][1]
    return statuses.map(([side, word]) => `${side}: ${word.toLowerCase()}`).join(" · ")
  }

  say(states) {
    const ended = this.pair.both.filter(([, run]) => run.status?.broken)
    const missing = SIDES.filter((side) => states[side] === "missing")
    const [side, run] = ended[0] ?? []
    const both = ended.length > 1 && ended[1][1].status.message === run.status.message
    const lost = `The ${missing.join(" and the ")} run is not here: it was deleted, or the link comes from another machine. Start both trains a new pair.`
    const queued = Object.values(states).includes("queued")
      ? "They start together as soon as a worker is free. You may close this tab: the link finds them again."
      : ""
    const none = Object.keys(states).length
      ? ""
      : "Start both trains two runs with the same seed, step by step together. Within seconds they differ."
    setText(this.message, missing.length ? lost : run ? `${both ? "Both" : capital(side)}: ${run.status.message}` : queued || none)
    this.message.dataset.state = missing.length ? "missing" : run ? "failed" : queued ? "queued" : "none"
    this.message.title = this.message.textContent
  }

  /** One rerun of the page for each change of status and of the broken run's live knobs, so that buttons and extremes follow. */
  tell(states) {
    const settled = Object.entries(states).filter(([, state]) => state !== "connecting" && state !== "missing")
    const moved = this.pair.runs.broken?.moved ?? 0
    const now = JSON.stringify([...settled, moved])
    const known = settled.every(([side, state]) => this.data.status?.[side] === state) && moved <= (this.data.changes ?? 0)
    if (known) this.sent = ""
    else if (this.sent !== now) {
      this.sent = now
      this.notify("status", `${now} ${Date.now()}`)
    }
  }

  remove() {
    clearInterval(this.ticking)
    this.pair.remove()
  }
}

function status(run) {
  return run?.error ? "missing" : (run?.status?.status ?? "connecting")
}
