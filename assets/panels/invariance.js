// How far an encoder moves an image under one operator at rising strength: a trained one beside the untrained one it began as.

import { Panel } from "../panel.js"
import { LatestRequest } from "../api.js"
import { whenSeen } from "../controls.js"
import { explain } from "../definitions.js"
import { Chart, axis } from "../plot.js"
import { make, setText, short } from "../theme.js"
import { capital } from "../verdict.js"
import { names } from "./steps.js"

const MEANS =
  "How similar the embedding of an image stays, by cosine, when one operator alone changes it. Flat and high: the encoder ignores it."

export default class Invariance extends Panel {
  constructor(place) {
    super()
    this.place = place
    this.good = make("span.ssl-good")
    this.grid = make("div.ssl-grid.ssl-fours")
    this.failure = make("p.ssl-failure")
    this.failure.hidden = true
    place.append(make("header.ssl-head", make("h2.ssl-title", "Invariance profile"), this.good), this.failure, this.grid)
    this.charts = new Map()
    setText(this.good, `${MEANS} It is measured when it comes into sight.`)
    this.request = new LatestRequest(
      (body) => {
        this.body = body
        this.failure.hidden = true
        this.draw()
      },
      (sentence) => {
        setText(this.failure, sentence)
        this.failure.hidden = false
        this.place.dataset.waiting = ""
      },
      200,
    )
    this.seen = whenSeen(place, () => {
      this.near = true
      this.update()
    })
  }

  update() {
    if (this.near) this.request.ask(this.data.address)
    this.place.dataset.waiting = this.near && this.request.waiting ? "yes" : ""
    if (this.body) this.draw()
  }

  draw() {
    const { operators, run, method, network, data, step, images } = this.body
    const untrained = `dashed: ${network}, untrained`
    const trained = run ? `line: ${method} on ${data} after ${step} steps; ` : "choose a run to compare; "
    const measured = `Mean of ${images} held-out images; their mean embedding is subtracted`
    setText(this.good, `${MEANS} ${measured} · ${trained}${untrained}`)
    this.place.dataset.waiting = this.request.waiting ? "yes" : ""
    const curves = operators.filter((each) => each.strengths.length > 2)
    for (const each of curves) this.curve(each)
    this.switches(operators.filter((each) => each.strengths.length === 2))
  }

  chart(key, title) {
    if (!this.charts.has(key)) {
      this.charts.set(key, new Chart(title, ""))
      explain(this.charts.get(key).title, "invariance")
      this.grid.append(this.charts.get(key).element)
    }
    return this.charts.get(key)
  }

  curve({ operator, title, strengths, trained, untrained }) {
    const chart = this.chart(operator, capital(names[operator]))
    if (!chart.stale(this.request.answered, this.theme.dark)) return
    const [color, hover] = [this.theme.backbone, (who) => `${who}: %{y:.2f} at %{x}<extra></extra>`]
    const line = (y, who, more) => ({
      type: "scatter",
      mode: "lines+markers",
      x: strengths,
      y,
      line: { color, width: 2, ...more },
      marker: { size: 5, color },
      hovertemplate: hover(who),
    })
    const traces = [line(untrained, "untrained", { dash: "dash", width: 1.4, color: this.theme.muted })]
    traces[0].marker.color = this.theme.muted
    if (trained) traces.push(line(trained, "trained", {}))
    const edge = 0.03 * (strengths.at(-1) - strengths[0])
    const layout = {
      xaxis: axis(this.theme, title, [strengths[0] - edge, strengths.at(-1) + edge]),
      yaxis: axis(this.theme, "cosine", span([...untrained, ...(trained ?? [])])),
      shapes: [zero(this.theme)],
    }
    this.words(chart, trained?.at(-1), untrained.at(-1))
    chart.draw(traces, layout, this.theme, operator)
    const ends = `${trained ? `trained ${short(trained.at(-1))}, ` : ""}untrained ${short(untrained.at(-1))}`
    chart.say(`${title} from ${strengths[0]} to ${strengths.at(-1)}: similarity ${ends} at the end`)
  }

  /** What is either done or not has no curve: bars. */
  switches(operators) {
    const chart = this.chart("switches", capital(operators.map((each) => names[each.operator]).join(", ")))
    if (!chart.stale(this.request.answered, this.theme.dark)) return
    const x = operators.map((each) => names[each.operator])
    const trained = operators.every((each) => each.trained)
    const bars = (who, more) => ({
      type: "bar",
      name: who,
      x,
      y: operators.map((each) => each[who].at(-1)),
      hovertemplate: `%{x}, ${who}: %{y:.2f}<extra></extra>`,
      ...more,
    })
    const traces = [bars("untrained", { marker: { color: "rgba(0,0,0,0)", line: { color: this.theme.muted, width: 1.4 } } })]
    if (trained) traces.push(bars("trained", { marker: { color: this.theme.backbone } }))
    const layout = {
      xaxis: axis(this.theme, "operator", null, { autorange: true, range: undefined, type: "category", ticks: "" }),
      yaxis: axis(this.theme, "cosine", span(traces.flatMap((trace) => trace.y))),
      shapes: [zero(this.theme)],
      bargap: 0.35,
    }
    setText(chart.good, "done or not")
    chart.draw(traces, layout, this.theme, "switches")
    chart.say(
      operators
        .map(
          (each) =>
            `${names[each.operator]}: ${trained ? `trained ${short(each.trained.at(-1))}, ` : ""}untrained ${short(each.untrained.at(-1))}`,
        )
        .join("; "),
    )
  }

  words(chart, trained, untrained) {
    chart.legend([
      ...(trained === undefined ? [] : [[`trained ${round(trained)} at full strength`, this.theme.backbone]]),
      [`untrained ${round(untrained)}${trained === undefined ? " at full strength" : ""}`, this.theme.muted],
    ])
  }

  remove() {
    this.seen.disconnect()
    this.request.drop()
    for (const chart of this.charts.values()) chart.remove()
  }
}

/** Two places: more would be chance. */
function round(cosine) {
  return (Math.round(100 * cosine) / 100 || 0).toFixed(2)
}

function zero(theme) {
  return { type: "line", xref: "paper", x0: 0, x1: 1, y0: 0, y1: 0, line: { color: theme.line, width: 1 } }
}

/** The axis of cosines: the same for all, unless an operator turns features around. */
function span(cosines) {
  return [Math.min(-0.25, Math.min(...cosines) - 0.05), 1.05]
}
