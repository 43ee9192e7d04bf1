// What a run's representation is worth: results as they come, each as a picture and as a number.

import { Panel } from "../panel.js"
import { explain } from "../definitions.js"
import { PolledRequest, addressOf } from "../api.js"
import { Chart } from "../plot.js"
import { make, setText } from "../theme.js"
import { drawConfusion, drawCurve, drawRobustness, drawTransfer, accuracy } from "./scores.js"

const OPERATORS = ["blur", "noise", "jitter", "shift"]
const COLUMNS = [
  // of the table of all numbers, and what they mean
  ["test", "evaluation/test"],
  ["who", null],
  ["labels", "evaluation/share"],
  ["accuracy", "evaluation/labels"],
  ["bar", "evaluation/bar"],
  ["seeds", "evaluation/seeds"],
  ["mean over classes", "evaluation/balanced"],
]
const STEP = new Intl.NumberFormat("en-US")

export default class EvaluationPanel extends Panel {
  /** @type {any} the run */
  of = undefined
  /** @type {any} what is known of its evaluation */
  body = null
  failure = ""
  listed = "" // what stands in the table

  constructor(place) {
    super()
    this.place = place
    this.dot = make("span.ssl-dot")
    this.status = make("span.ssl-status")
    this.message = make("span.ssl-message")
    this.fill = make("div.ssl-fill")
    this.bar = make("div.ssl-bar", this.fill)
    this.remarks = make("ul.ssl-remarks")
    this.curve = new Chart(
      "Test accuracy by labels used",
      'the run\'s curves above "From scratch": pretraining has paid; bars that do not overlap: more than luck',
    )
    this.confusion = new Chart(
      "Confusion matrix",
      "bright on the diagonal: each class is predicted correctly · numbers: percent of the row",
    )
    this.pairs = make("p.ssl-caution")
    this.robustness = OPERATORS.map((name) => new Chart(name[0].toUpperCase() + name.slice(1), ""))
    this.transfer = new Chart("Transfer", "higher than an untrained network: what was learned helps elsewhere")
    this.table = make("table.ssl-numbers")
    this.keep = ["json", "csv"].map((kind) => make("a.ssl-button", `Download ${kind.toUpperCase()}`))
    this.numbers = make(
      "details.ssl-all",
      make("summary", "All numbers"),
      make("p.ssl-keep", ...this.keep),
      make("div.ssl-wide", this.table),
    )
    const shift = make(
      "section.ssl-block",
      make(
        "header.ssl-head",
        make("h2.ssl-title", "Robustness"),
        make("span.ssl-good", "flat: a probe trained on clean images still works on corrupted ones"),
      ),
      make("div.ssl-fours", ...this.robustness.map((chart) => chart.element)),
    )
    place.append(
      make("div.ssl-standing", make("div.ssl-line", this.dot, this.status, this.message), this.bar),
      this.remarks,
      make("div.ssl-pair", this.curve.element, make("div.ssl-held", this.confusion.element, this.pairs)),
      shift,
      this.transfer.element,
      this.numbers,
    )
    this.charts = [this.curve, this.confusion, ...this.robustness, this.transfer]
    const meant = ["labels", "confusion", ...this.robustness.map(() => "robustness"), "transfer"]
    this.charts.forEach((chart, i) => explain(chart.title, `evaluation/${meant[i]}`))
    this.request = new PolledRequest(
      (body) => this.took(body),
      (sentence) => this.failed(sentence),
      (body) => (["running", "waiting"].includes(body.job.status) ? 1000 : 4000),
    )
  }

  update() {
    if (this.data.of !== this.of) {
      this.of = this.data.of
      this.body = null
      this.failure = ""
      this.request.ask(this.of ? `runs/${encodeURIComponent(this.of)}/evaluation` : null)
    } else if (this.of) this.request.again(0) // Start or Stop may have been pressed
    this.draw()
  }

  took(body) {
    const before = this.body?.job.status
    this.body = body
    this.failure = ""
    this.draw()
    if (before !== undefined && before !== body.job.status) this.notify("status", `${body.run} ${body.job.status} ${Date.now()}`) // the buttons follow
  }

  failed(sentence) {
    this.failure = sentence
    this.draw()
  }

  draw() {
    const found = this.body?.found
    this.say(found)
    this.remark(found)
    const scores = found?.scores ?? []
    const titles = this.body?.titles ?? {}
    const place = [this.of, found?.started, scores, this.theme.dark] // a score is of more seeds as they come
    if (this.curve.stale(place)) drawCurve(this.curve, scores, titles, found?.about, this.theme)
    if (this.confusion.stale(place, found?.confusion)) drawConfusion(this.confusion, found, this.theme)
    this.robustness.forEach(
      (chart, i) => chart.stale(place) && drawRobustness(chart, OPERATORS[i], scores, titles, found?.about, this.theme),
    )
    if (this.transfer.stale(place)) drawTransfer(this.transfer, scores, titles, this.theme)
    this.transfer.element.hidden = !scores.some((each) => each.part === "transfer")
    setText(
      this.pairs,
      found?.pairs?.length
        ? `Most often mistaken: ${found.pairs.map(([a, b, share]) => `${a} for ${b} (${accuracy(share)})`).join(", ")}.`
        : "",
    )
    this.list(scores, titles)
  }

  /** Where it stands, in one line. */
  say(found) {
    const job = this.body?.job
    const [state, status, message] = this.failure ? ["failed", "No answer", this.failure] : standing(this.of, this.body)
    this.dot.dataset.state = state
    setText(this.status, status)
    setText(this.message, message)
    this.message.dataset.state = state
    const running = job?.status === "running"
    this.bar.dataset.state = running ? "running" : state
    this.fill.style.width = found && (running || found.status !== "finished") ? `${100 * found.done}%` : "0"
    this.bar.setAttribute("role", "progressbar")
    this.bar.setAttribute("aria-label", "progress of the evaluation")
    this.bar.setAttribute("aria-valuenow", Math.round(100 * (found?.done ?? 0)))
  }

  remark(found) {
    const sentences = [...(found?.remarks ?? [])]
    if (this.body?.stale)
      sentences.unshift(
        `These numbers are of step ${STEP.format(found.step)}; the run has gone on to step ${STEP.format(this.body.step)} since. ` +
          "Evaluate it again for the newest.",
      )
    if (this.body?.since && !sentences.includes(this.body.since)) sentences.unshift(this.body.since)
    if (this.remarks.dataset.text === sentences.join("\n")) return
    this.remarks.dataset.text = sentences.join("\n")
    this.remarks.replaceChildren(...sentences.map((each) => make("li", each)))
  }

  /** Every number, for those who read rather than look. */
  list(scores, titles) {
    this.numbers.hidden = !scores.length
    this.keep.forEach((link, i) => {
      link.href = addressOf(`runs/${encodeURIComponent(this.of ?? "")}/evaluation.${["json", "csv"][i]}`)
      link.download = ""
    })
    const state = JSON.stringify([this.of, scores])
    if (state === this.listed) return
    this.listed = state
    const lines = scores.map((each) => [
      where(each),
      titles[each.who] ?? each.who,
      `${accuracy(each.share)} (${STEP.format(each.labeled)})`,
      accuracy(each.mean),
      `${accuracy(each.low)} to ${accuracy(each.high)}`,
      each.seeds > 1 ? `${accuracy(each.lowest)} to ${accuracy(each.highest)}` : "one seed",
      each.balanced === null ? "" : accuracy(each.balanced),
    ])
    this.table.replaceChildren(
      make("thead", make("tr", ...COLUMNS.map(([title, means]) => make("th", explain(make("span", title), means))))),
      make("tbody", ...lines.map((line) => make("tr", ...line.map((text) => make("td", String(text)))))),
    )
  }

  remove() {
    this.request.remove()
    for (const chart of this.charts) chart.remove()
  }
}

function where(score) {
  if (score.part === "robustness") return `${score.operator} ${+score.strength.toPrecision(3)}`
  return score.part === "transfer" ? `on ${score.data}` : "clean"
}

/** What was measured on which images. */
function conditions({ about, step }) {
  const tested = `tested on ${STEP.format(about.tested)} that nothing was fitted on and nobody watched`
  return `${about.factor} of ${about.data}: ${STEP.format(about.known)} labeled images, ${tested}; step ${STEP.format(step)}`
}

/** [state for the dot, status, what else there is to say]. */
function standing(run, body) {
  if (!run) return ["none", "No run", "Choose one in the sidebar."]
  if (!body) return ["connecting", "Looking", ""]
  const { job, found } = body
  const about = found?.about ? conditions(found) : ""
  if (job.status === "running")
    return ["running", "Evaluating", found?.status === "running" ? found.doing : "starting a process of its own"]
  if (job.status === "waiting") return ["queued", "Waiting", `number ${job.position} in the queue; run ${job.before} is being evaluated`]
  if (job.status === "failed") return ["failed", "Failed", job.message]
  if (!found) return ["none", "Not evaluated yet", "Press Evaluate. Results come as they are measured."]
  if (found.status === "running") return ["running", "Evaluating on a command line", found.doing]
  if (found.status === "finished") return ["finished", "Evaluated", about]
  return [found.status, found.status === "failed" ? "Failed" : "Stopped", `${found.message}${about ? ` · ${about}` : ""}`]
}
