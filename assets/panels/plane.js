// Alignment against uniformity: where the representation stands, and the way it took.

import { Panel } from "../panel.js"
import { Chart, axis } from "../plot.js"
import { Range } from "../ranges.js"
import { LAYERS, inLayer } from "../metrics.js"
import { short } from "../theme.js"

const SYMBOLS = { backbone: "circle", projector: "diamond" }

export default class Plane extends Panel {
  range = new Range()

  constructor(place) {
    super()
    this.chart = new Chart("plane")
    place.append(this.chart.element)
  }

  turn() {
    this.range = new Range()
  }

  update(run) {
    const seen = LAYERS.map((layer) => ({ name: layer, symbol: SYMBOLS[layer], ...path(run, layer) })).filter((each) => each.x.length)
    if (
      !this.chart.stale(
        run?.id,
        seen.map((each) => [each.steps.length, each.steps.at(-1)]),
        this.theme.dark,
      )
    )
      return
    this.chart.hint(seen.length ? "" : "Two views of one image should land close together; all images together should fill the space.")
    const traces = seen.flatMap((each) => this.trail(each))
    const [, high] = this.range.cover([0, 0.5, ...seen.flatMap((each) => each.x)])
    const layout = {
      xaxis: axis(this.theme, "alignment (squared distance of two views)", [0, Math.min(Math.max(high, 0.5), 4)]),
      yaxis: axis(this.theme, "uniformity (log potential)", [-4, 0]),
      annotations: corners(this.theme),
      margin: { l: 44, r: 10, t: 8, b: 38 },
    }
    this.legend(seen)
    this.chart.draw(traces, layout, this.theme, run?.id)
    this.chart.say(
      seen.map((each) => `${each.name}: alignment ${short(each.x.at(-1))}, uniformity ${short(each.y.at(-1))}`).join("; ") ||
        "Alignment and uniformity: nothing yet",
    )
  }

  trail({ name, symbol, x, y, steps }) {
    const color = this.theme[name]
    const text = steps.map((step) => `step ${step}`)
    const hovertemplate = `${name}, %{text}<br>alignment %{x:.3f}<br>uniformity %{y:.3f}<extra></extra>`
    return [
      {
        x,
        y,
        text,
        hovertemplate,
        name,
        type: "scatter",
        mode: "lines+markers",
        line: { color, width: 1.2, shape: "spline", smoothing: 0.6 },
        marker: { color, size: 4, symbol },
        opacity: 0.55,
      },
      {
        x: x.slice(-1),
        y: y.slice(-1),
        text: text.slice(-1),
        hovertemplate,
        name,
        type: "scatter",
        mode: "markers",
        marker: { color, size: 13, symbol, line: { color: this.theme.background, width: 2 } },
      },
    ]
  }

  legend(seen) {
    const chips = this.chart.chips
    if (chips.children.length !== seen.length)
      chips.replaceChildren(...seen.map(() => Object.assign(document.createElement("span"), { className: "ssl-chip" })))
    seen.forEach((each, i) => {
      chips.children[i].style.setProperty("--color", this.theme[each.name])
      chips.children[i].dataset.symbol = each.symbol
      const text = `${each.name} ${short(each.x.at(-1))}, ${short(each.y.at(-1))}`
      if (chips.children[i].textContent !== text) chips.children[i].textContent = text
    })
  }

  remove() {
    this.chart.remove()
  }
}

/** The steps at which both were measured. */
function path(run, layer) {
  const [alignment, uniformity] = ["alignment", "uniformity"].map((name) => run?.metrics.get(inLayer(layer, name)))
  if (!alignment || !uniformity) return { x: [], y: [], steps: [] }
  const at = new Map(uniformity.steps.map((step, i) => [step, uniformity.values[i]]))
  const both = alignment.steps
    .map((step, i) => [step, alignment.values[i], at.get(step)])
    .filter((each) => Number.isFinite(each[1]) && Number.isFinite(each[2]))
  return { steps: both.map((each) => each[0]), x: both.map((each) => each[1]), y: both.map((each) => each[2]) }
}

function corners(theme) {
  const corner = (x, y, text) => ({
    xref: "paper",
    yref: "paper",
    x,
    y,
    text,
    showarrow: false,
    xanchor: "left",
    yanchor: y > 0.5 ? "top" : "bottom",
    font: { size: 10, color: theme.muted },
    bgcolor: theme.background,
    opacity: 0.9,
    borderpad: 1,
  })
  return [corner(0.01, 0.99, "all images in one direction"), corner(0.01, 0.01, "good")]
}
