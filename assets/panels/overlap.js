// How much the crops of two views share, over many draws: a distribution, and where on the image both look.

import { Panel } from "../panel.js"
import { LatestRequest } from "../api.js"
import { Chart, axis } from "../plot.js"
import { percent } from "../theme.js"

export default class Overlap extends Panel {
  constructor(place) {
    super()
    this.place = place
    this.chart = new Chart("overlap")
    this.map = new Chart("overlap/map", "how often a place of the image is in both views")
    place.append(this.chart.element, this.map.element)
    this.request = new LatestRequest(
      (body) => {
        this.body = body
        this.draw()
      },
      (sentence) => this.chart.hint(sentence),
    )
  }

  update() {
    this.request.ask(this.data.address)
    if (this.body) this.draw()
  }

  draw() {
    const { union, shared, inside, apart, both, draws } = this.body
    if (!this.chart.stale(this.request.answered, this.theme.dark)) return
    this.chart.hint("")
    const lines = [
      ["intersection over union", union, this.theme.colors[0]],
      ...(inside ? [["of a local crop inside a global one", inside, this.theme.colors[2]]] : []),
    ]
    const layout = {
      xaxis: axis(this.theme, "intersection over union", [0, 1], { tickformat: ".0%" }),
      yaxis: axis(this.theme, "share of the pairs", [0, Math.max(0.2, ...lines.flatMap(([, each]) => each.counts)) * 1.08], {
        tickformat: ".0%",
      }),
      shapes: lines.map(([, each, color]) => ({
        type: "line",
        x0: each.mean,
        x1: each.mean,
        y0: 0,
        y1: 1,
        yref: "paper",
        line: { color, width: 1.5, dash: "dash" },
      })),
      bargap: 0.06,
      barmode: "overlay",
    }
    const traces = lines.map(([name, each, color]) => ({
      type: "bar",
      name,
      x: each.counts.map((_, i) => (i + 0.5) / each.counts.length),
      y: each.counts,
      width: 1 / each.counts.length,
      marker: { color, opacity: inside ? 0.6 : 0.85 },
      hovertemplate: `${name} near %{x:.0%}: %{y:.1%} of the pairs<extra></extra>`,
    }))
    const words = [
      ...lines.map(([name, each, color]) => [`mean ${name} ${percent(each.mean)}`, color]),
      [`both see ${percent(shared.mean)} of the image`, this.theme.muted],
      [`nothing in common: ${percent(apart)}`, this.theme.muted],
    ]
    this.chart.legend(words)
    this.chart.draw(traces, layout, this.theme, "overlap")
    this.chart.say(`Over ${draws} pairs of crops: ${words.map(([text]) => text).join("; ")}.`)
    this.drawMap(both)
  }

  drawMap(both) {
    const { background, colors } = this.theme
    const flat = both.flat()
    const at = (pick) => both.flatMap((row, y) => row.map((value, x) => [value, x, y])).reduce((a, b) => (pick(b[0], a[0]) ? b : a))
    const heat = {
      type: "heatmap",
      z: both,
      zmin: 0,
      zmax: 1,
      colorscale: [
        [0, background],
        [1, colors[0]],
      ],
      hovertemplate: "in both views %{z:.0%} of the time<extra></extra>",
      colorbar: {
        thickness: 8,
        len: 1,
        tickformat: ".0%",
        outlinewidth: 0,
        tickvals: [0, 0.5, 1],
        tickfont: { size: 10, color: this.theme.muted },
      },
    }
    const bare = { visible: false, fixedrange: true }
    this.map.draw(
      [heat],
      {
        xaxis: { ...bare, constrain: "domain" },
        yaxis: { ...bare, autorange: "reversed", scaleanchor: "x", constrain: "domain" },
        margin: { l: 8, r: 8, t: 8, b: 8 },
      },
      this.theme,
      "both",
    )
    this.map.say(
      `A place of the image lies in both crops between ${percent(Math.min(...flat))} and ${percent(at((a, b) => a > b)[0])} of the time.`,
    )
  }

  remove() {
    this.request.drop()
    this.chart.remove()
    this.map.remove()
  }
}
