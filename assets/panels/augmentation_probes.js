// What can still be read off the views: every factor, from pixels and from an untrained network, beside the originals and chance.

import { Panel } from "../panel.js"
import { LatestRequest } from "../api.js"
import { whenSeen } from "../controls.js"
import { explain } from "../definitions.js"
import { Chart, axis } from "../plot.js"
import { make, percent, setText } from "../theme.js"

const CHARTS = [
  ["pixels", "knn"],
  ["pixels", "linear"],
  ["untrained", "knn"],
  ["untrained", "linear"],
]
const PROBES = { knn: "live k-NN", linear: "linear probe" }

export default class AugmentationProbes extends Panel {
  constructor(place) {
    super()
    this.place = place
    this.good = make("span.ssl-good")
    this.grid = make("div.ssl-grid.ssl-fours")
    place.append(make("header.ssl-head", make("h2.ssl-title", "Factor accuracy on the views"), this.good), this.grid)
    this.charts = CHARTS.map(([who, probe]) => new Chart(`${who === "pixels" ? "Pixels" : "Untrained network"}, ${PROBES[probe]}`, ""))
    for (const chart of this.charts) explain(chart.title, "augmentation-probes")
    this.grid.append(...this.charts.map((chart) => chart.element))
    for (const chart of this.charts) chart.hint("Measured when it comes into sight…")
    this.explain()
    this.request = new LatestRequest(
      (body) => {
        this.body = body
        this.failure = ""
        this.draw()
      },
      (sentence) => {
        this.failure = sentence
        this.say()
      },
      500,
    )
    this.seen = whenSeen(place, () => {
      this.near = true
      this.update()
    })
  }

  explain() {
    const network = this.body ? ` · ${this.body.images.toLocaleString("en-US")} held-out images; the network is ${this.body.network}` : ""
    setText(
      this.good,
      `Tall: a network could use it to tell images apart. At the line: the augmentation has taken it away, and something else has to be learned${network}`,
    )
  }

  update() {
    if (this.near) this.request.ask(this.data.address)
    this.place.dataset.waiting = this.near && this.request.waiting ? "yes" : ""
    if (this.body) this.draw()
  }

  say() {
    this.place.dataset.waiting = ""
    for (const chart of this.charts) chart.hint(this.body ? "" : this.failure)
    setText(this.good, this.failure)
  }

  draw() {
    this.explain()
    this.place.dataset.waiting = this.request.waiting ? "yes" : ""
    CHARTS.forEach(([who, probe], i) => this.one(this.charts[i], who, probe))
  }

  one(chart, who, probe) {
    if (!chart.stale(this.request.answered, this.theme.dark)) return
    const factors = this.body.factors
    chart.hint(factors.length ? "" : "These images have no labels, or too few of each: there is nothing to read.")
    const color = this.theme.colors[who === "pixels" ? 1 : 0]
    const x = factors.map((each) => each.factor)
    const of = (what) => factors.map((each) => each.values[who][probe][what])
    const width = Math.min(0.62, 0.16 * Math.max(1, factors.length))
    const bar = (what, more) => ({ type: "bar", x, y: of(what), width, ...more, hovertemplate: `%{x}, ${what}: %{y:.0%}<extra></extra>` })
    const shapes = factors.map((each, i) => ({
      type: "line",
      x0: i - width / 2 - 0.09,
      x1: i + width / 2 + 0.09,
      y0: each.chance,
      y1: each.chance,
      line: { color: this.theme.text, width: 1.5, dash: "dot" },
    }))
    const traces = [
      bar("originals", { marker: { color: "rgba(0,0,0,0)", line: { color, width: 1.2 } } }),
      bar("views", { marker: { color } }),
    ]
    const layout = {
      xaxis: axis(this.theme, "", null, {
        type: "category",
        autorange: true,
        range: undefined,
        tickangle: factors.length > 3 ? -32 : 0,
        ticks: "",
      }),
      yaxis: axis(this.theme, "accuracy", [0, 1.02], { tickformat: ".0%" }),
      shapes,
      barmode: "overlay",
      margin: { l: 44, r: 8, t: 8, b: factors.length > 3 ? 58 : 30 },
    }
    this.legend(chart, color)
    chart.draw(traces, layout, this.theme, "augmentation-probes")
    const lines = factors.map(({ factor, values, chance }) => {
      const { views, originals } = values[who][probe]
      return `${factor}: views ${percent(views)}, originals ${percent(originals)}, chance ${percent(chance)}`
    })
    chart.say(lines.join("; "))
  }

  legend(chart, color) {
    const marks = [
      ["views", "full"],
      ["originals", "hollow"],
      ["chance", "dots"],
    ]
    chart.legend(marks.map(([text, mark]) => [text, mark === "dots" ? this.theme.text : color, mark]))
  }

  remove() {
    this.seen.disconnect()
    this.request.drop()
    for (const chart of this.charts) chart.remove()
  }
}
