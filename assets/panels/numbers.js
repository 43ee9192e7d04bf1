// Which numbers there are in pictures of more than 8 bits, and which of them become black and white.

import { Panel } from "../panel.js"
import { Chart, axis } from "../plot.js"

export default class Numbers extends Panel {
  constructor(place) {
    super()
    this.chart = new Chart("data/numbers")
    place.append(this.chart.element)
  }

  update() {
    const { counts, first, last, low, high, guessed } = this.data
    if (!this.chart.stale(counts, first, last, low, high, guessed, this.theme.dark)) return
    const number = (value) => (+value.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 6 })
    const [all, width] = [counts.reduce((a, b) => a + b, 0) || 1, (last - first) / counts.length]
    const [from, to] = [Math.min(first, low), Math.max(last, high)]
    const x = counts.map((_, i) => first + (i + 0.5) * width)
    this.chart.good.textContent = guessed ? "a guess: set range low and range high where you know them" : "as it was set"
    const trace = {
      type: "bar",
      x,
      y: counts.map((each) => each / all),
      width,
      marker: { color: this.theme.colors[0], opacity: x.map((each) => (each < low || each > high ? 0.3 : 0.9)) },
      hovertemplate: "near %{x:,.6~r}: %{y:.2%}<extra></extra>",
    }
    const line = (at) => ({
      type: "line",
      x0: at,
      x1: at,
      y0: 0,
      y1: 1,
      yref: "paper",
      line: { color: this.theme.warn, width: 1.5, dash: "dash" },
    })
    const label = (at, text, side) => ({
      x: at,
      y: 1,
      yref: "paper",
      yanchor: "top",
      xanchor: side,
      text,
      showarrow: false,
      font: { size: 11, color: this.theme.warn },
      bgcolor: this.theme.background,
    })
    const layout = {
      xaxis: axis(this.theme, "number in the file", [from - (to - from) * 0.03, to + (to - from) * 0.03]),
      yaxis: axis(this.theme, "share", [0, (Math.max(...counts) / all) * 1.25 || 1], { tickformat: ".0%" }),
      shapes: [line(low), line(high)],
      annotations: [label(low, ` black: ${number(low)}`, "left"), label(high, `white: ${number(high)} `, "right")],
      bargap: 0,
    }
    this.chart.draw([trace], layout, this.theme, "numbers")
    const ends = `${number(low)} and below is black, ${number(high)} and above is white${guessed ? ", which is a guess" : ""}`
    this.chart.say(`The numbers lie between ${number(first)} and ${number(last)}. ${ends}.`)
  }

  remove() {
    this.chart.remove()
  }
}
