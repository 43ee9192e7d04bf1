// Low loss is not a good representation: every run of this server on one dataset, its pretext loss beside what its features are worth.

import { Panel } from "../panel.js"
import { PolledRequest } from "../api.js"
import { button, buttonGroup, menu, press } from "../controls.js"
import { Chart, axis } from "../plot.js"
import { classStyles, make, plainName, setText, short } from "../theme.js"
import { chanceLine, escaped, accuracy } from "./scores.js"

const PLOTLY = {
  circle: "circle",
  square: "square",
  triangle: "triangle-up",
  diamond: "diamond",
  cross: "cross",
  down: "triangle-down",
  plus: "x",
  ring: "circle-open",
}
const COMPARE =
  "Losses measure different things where methods, temperatures, weights or batch sizes differ: " +
  "compare points of one color and of like settings."
const MEASURES = [
  ["knn", "live k-NN, every run"],
  ["linear", "linear probe, where evaluated"],
]
const FAR = 10 // times the middle half of all losses away from it: such a run has diverged
const SCALES = [
  ["loss", "its value"],
  ["rank", "its rank within the method"],
]

export default class Losses extends Panel {
  /** @type {any} */
  body = null
  failure = ""
  listening = false // to clicks on points
  chosen = "" // what the controls were made for

  constructor(place) {
    super()
    this.place = place
    this.chart = new Chart("evaluation/losses")
    this.note = make("p.ssl-caution")
    this.by = make("div.ssl-by")
    place.append(this.by, this.chart.element, this.note)
    this.scale = "loss"
    this.measure = "knn"
    this.method = ""
    this.request = new PolledRequest(
      (body) => {
        this.body = body
        this.failure = ""
        this.draw()
      },
      (sentence) => {
        this.failure = sentence
        this.draw()
      },
      () => 5000,
    )
  }

  update() {
    this.request.ask(`evaluation/losses?data=${encodeURIComponent(this.data.data)}`)
    this.draw()
  }

  draw() {
    const factor = this.data.factor || this.first()
    const runs = (this.body?.runs ?? [])
      .map((each) => ({ ...each, worth: (this.measure === "linear" ? each.linear : each.knn)[factor] }))
      .filter((each) => each.worth !== undefined)
    const methods = [...new Set((this.body?.runs ?? []).map((each) => each.method))].sort()
    if (!methods.includes(this.method)) this.method = ""
    this.choose(methods)
    const shown = runs.filter((each) => !this.method || each.method === this.method)
    const state = [shown, factor, this.scale, this.measure, this.data.of, this.theme.dark, this.failure]
    if (!this.chart.stale(state)) return
    this.chart.hint(
      this.failure ||
        (shown.length
          ? ""
          : this.measure === "linear"
            ? "No run on these images has been evaluated by a linear probe yet."
            : "No run on these images has both a loss and an accuracy yet."),
    )
    this.points(shown, methods, factor)
    setText(this.note, `${COMPARE} ${bestAndLowest(shown)}${this.scale === "loss" ? outside(shown) : ""}`)
  }

  first() {
    return Object.keys(this.body?.runs.find((each) => Object.keys(each.knn).length)?.knn ?? {})[0] ?? ""
  }

  points(runs, methods, factor) {
    const styles = classStyles(methods, this.theme)
    const place = this.scale === "rank" ? withinMethod(runs) : new Map(runs.map((each) => [each.run, each.loss]))
    const traces = methods
      .map((method, i) => {
        const mine = runs.filter((each) => each.method === method)
        return {
          type: "scatter",
          mode: "markers",
          name: escaped(method),
          x: mine.map((each) => place.get(each.run)),
          y: mine.map((each) => each.worth),
          customdata: mine.map((each) => [each.run, short(each.loss), each.step, each.status]),
          marker: {
            color: styles[i].color,
            symbol: PLOTLY[styles[i].symbol],
            size: mine.map((each) => (each.run === this.data.of ? 15 : 9)),
            line: { color: this.theme.text, width: mine.map((each) => (each.run === this.data.of ? 2 : 0)) },
          },
          hovertemplate:
            `${escaped(method)} %{customdata[0]}<br>loss %{customdata[1]}, accuracy %{y:.1%}<br>` +
            "step %{customdata[2]:,}, %{customdata[3]}<br>click to look at it<extra></extra>",
        }
      })
      .filter((trace) => trace.x.length)
    const title =
      this.scale === "rank"
        ? "rank of its loss within its method: 0 the lowest, 1 the highest"
        : "final pretext loss, mean of the last 20 steps"
    const layout = {
      xaxis: axis(this.theme, title, this.scale === "rank" ? [-0.05, 1.05] : null, this.scale === "rank" ? {} : span(runs)),
      yaxis: axis(
        this.theme,
        `${this.measure === "linear" ? "linear probe" : "live k-NN"}${factor ? `: ${escaped(plainName(factor))}` : ""}`,
        [0, 1.02],
        { tickformat: ".0%" },
      ),
      margin: { l: 52, r: 14, t: 8, b: 42 },
      shapes: [...new Set(runs.map((each) => each.chance?.[factor]))]
        .filter((each) => each !== undefined)
        .slice(0, 1)
        .map((each) => chanceLine(each, this.theme)),
    }
    const shown = methods.map((method, i) => [method, styles[i]]).filter(([method]) => runs.some((each) => each.method === method))
    this.chart.legend([
      ...shown.map(([method, style]) => [method, style.color, "", style.symbol]),
      ...layout.shapes.map(() => ["chance", this.theme.muted, "dots"]),
    ])
    this.chart.draw(traces, layout, this.theme, `${this.data.data} ${this.scale}`).then(() => this.listen())
    this.chart.say(
      `Loss and accuracy of ${runs.length} runs. ${runs
        .slice(0, 30)
        .map((each) => `${each.method} ${each.run}: loss ${short(each.loss)}, ${accuracy(each.worth)}`)
        .join("; ")}`,
    )
  }

  /** Plotly says what is under the pointer; a click then opens it. */
  listen() {
    if (this.listening || !this.chart.plot.on) return
    this.listening = true
    this.chart.plot.on("plotly_click", (event) => this.notify("status", { run: event.points[0].customdata[0], at: Date.now() }))
  }

  choose(methods) {
    const state = JSON.stringify([methods, this.scale, this.measure, this.method])
    if (state === this.chosen) return
    this.chosen = state
    const group = (label, options, key) => {
      const buttons = options.map(([value, text]) =>
        Object.assign(
          button(text, () => this.pick(key, value)),
          { value },
        ),
      )
      const box = buttonGroup(label, buttons)
      press(box, (each) => each.value === this[key])
      return box
    }
    const entries = ["", ...methods].map((method) => [method, method || "all methods"])
    const list = menu("which method", entries, (method) => this.pick("method", method))
    list.value = this.method
    this.by.replaceChildren(group("accuracy by", MEASURES, "measure"), group("loss as", SCALES, "scale"), list)
  }

  /** Somebody chose: key is `measure`, `scale` or `method`. */
  pick(key, value) {
    this[key] = value
    this.draw()
  }

  remove() {
    this.request.remove()
    this.chart.remove()
  }
}

/** The axis of losses: without runs that failed, and without those far from all others: one that diverged would leave them a single line. */
export function span(runs) {
  const finished = runs.filter((each) => each.status !== "failed").map((each) => each.loss)
  const [low25, high25] = quartiles(finished)
  const far = FAR * (high25 - low25) || Infinity // most may be alike
  const kept = finished.filter((each) => each >= low25 - far && each <= high25 + far)
  if (!kept.length || kept.length === runs.length) return { autorange: true, range: undefined }
  const [low, high] = [Math.min(...kept), Math.max(...kept)]
  const edge = 0.05 * (high - low || Math.abs(high) || 1)
  return { autorange: false, range: [low - edge, high + edge] }
}

/** How many runs lie outside that axis, as a sentence. */
function outside(runs) {
  const { range } = span(runs)
  const count = range ? runs.filter((each) => each.loss < range[0] || each.loss > range[1]).length : 0
  return count ? ` ${count} ${count > 1 ? "runs have losses" : "run has a loss"} outside this axis.` : ""
}

/** The values below which a quarter, and above which a quarter of them lie. */
function quartiles(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))]
  return [at(0.25), at(0.75)]
}

/** run -> 0 for the lowest loss of its method, 1 for the highest, evenly between; alone: in the middle. */
function withinMethod(runs) {
  const places = new Map()
  for (const method of new Set(runs.map((each) => each.method))) {
    const mine = runs.filter((each) => each.method === method).sort((a, b) => a.loss - b.loss)
    mine.forEach((each, i) => places.set(each.run, mine.length > 1 ? i / (mine.length - 1) : 0.5))
  }
  return places
}

/** The best and the lowest loss of the method with the most runs, as a sentence. */
function bestAndLowest(runs) {
  const methods = [...new Set(runs.map((each) => each.method))]
    .map((method) => runs.filter((each) => each.method === method))
    .sort((a, b) => b.length - a.length)
  const most = methods[0] ?? []
  if (most.length < 2) return ""
  const lowest = most.reduce((a, b) => (b.loss < a.loss ? b : a))
  const best = most.reduce((a, b) => (b.worth > a.worth ? b : a))
  const runsOf = `Of the ${most.length} runs of ${best.method},`
  if (lowest === best) return `${runsOf} the run with the lowest loss is also the best run, ${accuracy(best.worth)}.`
  const other = `the best run ${accuracy(best.worth)} at a loss of ${short(best.loss)}`
  return `${runsOf} the lowest loss (${short(lowest.loss)}) has ${accuracy(lowest.worth)}, ${other}.`
}
