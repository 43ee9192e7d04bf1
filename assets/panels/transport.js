// Where the run stands: status, progress, time left, and what the collapse judge says.

import { Panel } from "../panel.js"
import { explain } from "../definitions.js"
import { make, setText, short } from "../theme.js"
import { capital, sentenceOf, stateOf } from "../verdict.js"

const WORDS = {
  queued: "Queued",
  running: "Training",
  paused: "Paused",
  finished: "Finished",
  stopped: "Stopped",
  failed: "Failed",
  interrupted: "Interrupted",
}

const SLOW = 2 // seconds between two steps: until PATIENCE times as long, or as what was usual, nobody need worry
const PATIENCE = 5

export default class Transport extends Panel {
  /** @type {any} */
  run = null
  /** @type {any} the last news that the page was given */
  sent = null
  /** @type {any} how it computes, as a definition */
  meant = null

  constructor(place) {
    super()
    this.dot = make("span.ssl-dot")
    this.status = make("strong.ssl-status")
    this.status.setAttribute("role", "status")
    this.title = make("span.ssl-run")
    this.marks = make("span.ssl-marks")
    this.how = make("span.ssl-run.ssl-how")
    this.where = explain(make("span.ssl-where"), "step")
    this.left = explain(make("span.ssl-left"), "time left")
    this.hint = make("span.ssl-hint", "reconnecting…")
    this.hint.hidden = true
    this.fill = make("div.ssl-fill")
    this.bar = make("div.ssl-bar", this.fill)
    this.bar.setAttribute("role", "progressbar")
    this.bar.setAttribute("aria-label", "steps taken")
    this.message = make("span.ssl-message")
    this.verdictDot = make("span.ssl-dot")
    this.verdict = make("span.ssl-verdict")
    place.append(
      make(
        "div.ssl-line",
        this.dot,
        this.status,
        this.title,
        this.marks,
        this.how,
        this.hint,
        make("span.ssl-space"),
        this.where,
        this.left,
      ),
      this.bar,
      make("div.ssl-line.ssl-second", this.verdictDot, this.verdict, this.message),
    )
    this.ticking = setInterval(() => setText(this.left, timeLeft(this.run, this.standing(this.run))), 1000) // a stalled run brings no news
  }

  turn() {
    this.sent = null
    this.verdict.title = ""
  }

  update(run) {
    this.run = run
    const status = this.standing(run)
    this.dot.dataset.state = status
    this.tell(run, status)
    setText(this.title, status === "recorded" ? recording(run) : (this.data.title ?? ""))
    setText(this.marks, (this.data.without ?? []).map((name) => `without ${name}`).join(" · "))
    setText(this.how, computing(run))
    explain(this.how, this.means(run))
    this.hint.hidden = !(run && !run.online && run.status)
    setText(this.status, words(run, status))
    this.progress(run, status)
    this.judge(run, status)
  }

  standing(run) {
    return run?.error ? (run.recorded ? "none" : "missing") : (run?.status?.status ?? (this.data.run ? "connecting" : "none"))
  }

  /** Everything about how it computes, and why so, for a tap or a pointer; one object a run, so that an open box stays open. */
  means(run) {
    const { device, device_why: why } = run?.facts ?? {}
    if (!device || run.recorded) return null
    const meaning = [device, capital(why)]
      .filter(Boolean)
      .map((each) => `${each}.`)
      .join(" ")
    if (this.meant?.meaning !== meaning) this.meant = { title: "How it computes", meaning }
    return this.meant
  }

  /** One rerun of the page for each change of status and of live knobs, by whomever, so that its buttons and controls follow. */
  tell(run, status) {
    if (run?.recorded || !run?.status) return (this.sent = null)
    const moved = run.moved
    if (status === this.data.status && moved <= (this.data.changes ?? 0)) return (this.sent = null)
    const news = `${run.id} ${status} ${moved}`
    if (this.sent === news) return
    this.sent = news
    this.notify("status", `${news} ${Date.now()}`)
  }

  progress(run, status) {
    const steps = run?.steps ?? 1
    const step = run?.step ?? 0
    const known = Boolean(run?.status) && status !== "missing" && status !== "recorded"
    const share = run?.fetching?.total ? run.fetching.done / run.fetching.total : known ? step / steps : 0
    this.fill.style.width = `${Math.min(share, 1) * 100}%`
    this.bar.dataset.state = status
    this.bar.setAttribute("aria-valuenow", Math.round(share * 100))
    setText(this.where, known ? `step ${step.toLocaleString("en-US")} / ${steps.toLocaleString("en-US")}` : "")
    setText(this.left, timeLeft(run, status))
  }

  judge(run, status) {
    const verdict = status === "missing" || run?.status?.broken ? null : run?.verdict // what went wrong needs the room
    this.verdictDot.dataset.state = stateOf(verdict)
    this.verdictDot.hidden = !verdict
    setText(this.verdict, verdict ? sentenceOf(run) : "")
    this.verdict.hidden = !this.verdict.textContent
    this.verdict.title = verdict?.sentence ?? ""
    setText(this.message, [run?.remark, since(run), message(run, status)].filter(Boolean).join(" · "))
    explain(this.message, status === "running" && run.now("views_per_second") ? "views_per_second" : null)
    this.message.dataset.state = status
    this.message.title = [this.message.textContent, pictures(run)].filter(Boolean).join(": ")
  }

  remove() {
    clearInterval(this.ticking)
  }
}

/** The status in words. */
export function words(run, status) {
  if (status === "none") return "Ready"
  if (status === "recorded") return "Recording"
  if (status === "connecting") return "Connecting…"
  if (status === "missing") return "No such run"
  if (status === "queued") return run.status.queue_position > 0 ? `Queued, number ${run.status.queue_position}` : "Queued"
  if (status !== "running") return WORDS[status] ?? status
  if (run.fetching) return fetching(run.fetching)
  return run.step || run.snapshots.size ? "Training" : "Preparing…"
}

/** What it waits for before it can train. */
function fetching({ unit, what, done, total }) {
  return `${unit === "images" ? "Decoding" : "Downloading"} ${what}${total ? ` ${Math.floor((100 * done) / total)}%` : "…"}`
}

function message(run, status) {
  if (status === "none") return "Press Start. Within two seconds the curves move and the map begins to organize itself."
  if (status === "missing")
    return "It may have been deleted, or the link comes from another machine. Start trains a new run with the settings on the left."
  if (status === "queued") return "It starts by itself as soon as a worker is free. You may close this tab: the link finds it again."
  if (status === "interrupted") return run.status.message || "The server stopped while it trained. Resume goes on from its last checkpoint."
  if (status === "failed") return capital(run.status.message)
  if (status === "running" && run.now("views_per_second")) return `${short(run.now("views_per_second"))} views/s`
  return run?.status?.message ?? ""
}

function recording(run) {
  return `of ${run.status.title}, step ${run.step} of ${run.steps}. Press Start to train your own.`
}

/** Where it computes, and in which precision: what was measured to be fastest there, unless the settings ask for something else. */
function computing(run) {
  const { device } = run?.facts ?? {}
  return device && !run.recorded ? device.split(", ").slice(0, 2).join(", ") : ""
}

/** What has changed in the folder of the pictures since they were read. */
function since(run) {
  const { since: change, read } = run?.facts?.data ?? {}
  return change ? `Trains on the pictures as they were read on ${read}; since then: ${change}.` : ""
}

/** Which state of a folder it trains on. */
function pictures(run) {
  const { state, read } = run?.facts?.data ?? {}
  return state ? `pictures as read on ${read}, state ${state}` : ""
}

/** How long the rest takes, as far as it can be known; of a run that waits or stands still it says that. */
export function timeLeft(run, status) {
  if (status !== "running" && status !== "paused") return ""
  const silent = run.lastNews === null ? 0 : (performance.now() - run.lastNews) / 1000
  const stalled = status === "running" && run.online && !run.fetching && silent > PATIENCE * Math.max(run.pace.longest() ?? SLOW, SLOW)
  if (stalled) return `no step for ${spelled(silent)}`
  const seconds = run.pace.left(run.step, run.steps, run.facts.measurements, status === "running" ? silent : 0)
  return seconds === null ? "" : `${spelled(seconds)} left${status === "paused" ? " after Resume" : ""}`
}

function spelled(seconds) {
  if (seconds < 90) return `${Math.max(Math.round(seconds), 1)} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}
