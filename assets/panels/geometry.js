// The geometry of the representation: every measure of a layer at a step, beside step 0, and how alike steps, layers and runs are.

import { explain } from "../definitions.js"
import { Chart, axis } from "../plot.js"
import { Latest } from "../latest.js"
import { whenSeen } from "../asking.js"
import { make, setText, short } from "../theme.js"
import { Gauges, FactorTable } from "./gauges.js"

const REST = 4000 // ms between two looks at a run that still trains
const BINS = 50
const NO_AXES = { xaxis: { visible: false }, yaxis: { visible: false } }
const RED_BLUE = [
  [0, "#b2182b"],
  [0.25, "#ef8a62"],
  [0.5, "#f7f7f7"],
  [0.75, "#67a9cf"],
  [1, "#2166ac"],
]
const DARK_RED_BLUE = [
  [0, "#ff9a85"],
  [0.25, "#a8402f"],
  [0.5, "#20262d"],
  [0.75, "#2c72a8"],
  [1, "#8cc9ff"],
]

export class GeometryPanel {
  constructor(place) {
    this.place = place
    this.layer = "backbone"
    this.switch = make("div.ssl-switch")
    this.switch.setAttribute("role", "group")
    this.switch.setAttribute("aria-label", "layer")
    this.where = make("span.ssl-good")
    this.note = make("p.ssl-caution")
    this.failure = make("p.ssl-failure")
    this.failure.hidden = true
    this.gauges = new Gauges("Measures", "where each stands on its scale; the notch is step 0")
    this.views = new Gauges("Two views of one image", "")
    this.table = new FactorTable()
    this.build(place)
    this.numbers = new Latest(
      (body) => {
        this.body = body
        this.fail("")
        this.draw()
      },
      (sentence) => this.fail(sentence),
    )
    this.looks = new Latest(
      (body) => {
        this.seenViews = body
        this.drawViews()
      },
      (sentence) => this.noViews(sentence),
    )
    this.alike = new Latest(
      (body) => {
        this.cka = body
        this.drawCka()
      },
      (sentence) => this.noCka(sentence),
    )
    this.follow = ({ detail }) => detail.run === this.data?.run && this.turnTo(detail.step)
    document.addEventListener("ssl-step", this.follow)
    this.seen = whenSeen(place, () => {
      this.near = true
      this.ask()
    })
  }

  build(place) {
    this.correlation = new Chart("correlation")
    this.spectrum = new Chart("spectrum")
    this.cosines = new Chart("similarity")
    this.steps = new Chart("CKA between steps", "yellow: alike. Where it stays yellow, nothing changes any more")
    this.layers = new Chart("CKA between layers", "how much the projector keeps of the backbone")
    this.other = new Chart("CKA with the other run", "yellow: both have come to the same, up to rotation")
    this.charts = [this.correlation, this.spectrum, this.cosines, this.steps, this.layers, this.other]
    for (const chart of [this.steps, this.layers, this.other]) explain(chart.title, "cka")
    for (const chart of this.charts) chart.said = chart.element.appendChild(make("p.ssl-caution"))
    this.other.element.hidden = true
    const head = make("header.ssl-head", make("h2.ssl-title", "Geometry of the representation"), this.switch, this.where)
    this.all = make(
      "div.ssl-geometries",
      make("div.ssl-numbers", this.gauges.element, make("div.ssl-numbers-right", this.table.element, this.views.element)),
      make(
        "div.ssl-grid",
        this.spectrum.element,
        this.cosines.element,
        this.correlation.element,
        this.steps.element,
        this.layers.element,
        this.other.element,
      ),
    )
    place.append(head, this.failure, this.note, this.all)
  }

  turn() {
    this.held = null
    this.body = this.seenViews = this.cka = null
    this.newest = undefined
    this.views.clear()
    this.fail("")
    this.alike?.drop()
    this.looks?.drop()
    this.numbers?.drop()
  }

  turnTo(step) {
    this.held = step
    this.ask()
  }

  update(run) {
    this.run = run
    const newest = run?.snapshots.size ? Math.max(...run.snapshots.keys()) : undefined
    if (newest !== this.newest || this.data.other !== this.asked?.other) {
      const wait =
        run?.status?.status === "running" && this.newest !== undefined ? Math.max(0, (this.last ?? 0) + REST - performance.now()) : 0
      this.newest = newest
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.ask(), wait)
    }
    if (newest === undefined) this.fail(this.why(run))
    if (this.body) (this.draw(), this.drawViews(), this.drawCka())
  }

  why(run) {
    if (run?.error) return run.error
    if (["finished", "stopped", "failed"].includes(run?.status?.status))
      return "No snapshot of this run is here, and geometry is measured on snapshots."
    return run?.status
      ? "Nothing has been measured in this run yet: the first numbers come with its first snapshot."
      : "The numbers come with the first snapshot of a run."
  }

  /** What stands on the page is that of the newest question; a hidden panel asks nothing. */
  ask() {
    if (!this.near || this.newest === undefined || !this.data.run) return
    if (this.run?.recorded) return this.fail("This is a recording. Train a run, or choose one, and its geometry is measured here.")
    this.last = performance.now()
    const held = this.held !== null && this.run.snapshots.has(this.held) ? this.held : this.newest
    const [path, query] = [`runs/${this.data.run}/geometry`, { step: held, layer: this.layer }]
    this.asked = { other: this.data.other, step: held }
    this.numbers.ask(path, query)
    this.looks.ask(`${path}/views`, query)
    this.alike.ask(`${path}/cka`, { ...query, other: this.data.other || undefined })
  }

  choose(layer) {
    this.layer = layer
    this.ask()
  }

  fail(sentence) {
    setText(this.failure, sentence)
    this.failure.hidden = !sentence
    this.all.hidden = Boolean(sentence) && !this.body
    if (sentence && this.layer !== "backbone") this.choose("backbone") // the next run may have one layer only
  }

  draw() {
    const { body } = this
    this.all.hidden = false
    this.buttons(body)
    setText(
      this.where,
      `${body.layer}, ${body.size} dimensions, step ${body.step.toLocaleString("en-US")}, ${body.images.toLocaleString("en-US")} held-out images`,
    )
    setText(
      this.note,
      body.constant
        ? "All images have the same features: there is no geometry to measure, and the numbers below are those of a single point."
        : "",
    )
    this.gauges.show(body.measures, body.first)
    this.table.show(body.factors, body.first)
    this.drawSpectrum(body)
    this.drawCorrelation(body)
  }

  buttons({ layers, layer }) {
    if (this.switch.children.length !== layers.length) {
      this.switch.replaceChildren(
        ...layers.map((name) => {
          const button = make("button.ssl-button", name)
          button.type = "button"
          button.onclick = () => this.choose(name)
          return button
        }),
      )
    }
    for (const button of this.switch.children) button.setAttribute("aria-pressed", button.textContent === layer)
  }

  drawSpectrum({ spectrum, step, first, layer, constant }) {
    if (!this.spectrum.stale(this.run?.id, step, layer, this.theme.dark)) return
    const top = spectrum.now[0] || 1
    const line = (values, name, color, width, dash) => ({
      y: values.map((value) => Math.max(value / (values[0] || 1), 1e-6)),
      name,
      type: "scatter",
      mode: "lines",
      line: { color, width, dash },
      hovertemplate: `${name}, dimension %{x}: %{y:.2g}<extra></extra>`,
    })
    const traces = [
      line(spectrum.first, `step ${first}`, this.theme.muted, 1.2, "dot"),
      line(spectrum.now, `step ${step}`, this.theme[layer], 2, "solid"),
    ]
    const layout = {
      xaxis: axis(this.theme, "dimension, largest first", [0, spectrum.now.length]),
      yaxis: axis(this.theme, "share of the largest", [-4, 0.1], { type: "log", dtick: 1, exponentformat: "power" }),
      margin: { l: 50, r: 10, t: 6, b: 36 },
    }
    this.spectrum.draw(constant ? [] : traces, constant ? NO_AXES : layout, this.theme, this.run?.id)
    const strong = spectrum.now.filter((value) => value > top / 10).length
    this.tell(
      this.spectrum,
      constant
        ? "Nothing varies."
        : `${strong} of ${spectrum.now.length} directions have more than a tenth of the largest spread; at step ${first} it was ${spectrum.first.filter((value) => value > spectrum.first[0] / 10).length}. Dotted: step ${first}.`,
    )
  }

  drawCorrelation({ correlation, measures, size, step, layer }) {
    if (!this.correlation.stale(this.run?.id, step, layer, this.theme.dark)) return
    const z = grid(correlation)
    const shown = z.length < size ? `, ${z.length} of ${size} shown` : ""
    const trace = {
      type: "heatmap",
      z,
      zmin: -1,
      zmax: 1,
      colorscale: this.theme.dark ? DARK_RED_BLUE : RED_BLUE,
      colorbar: bar(this.theme, [-1, 0, 1]),
      hovertemplate: "%{x} and %{y}: %{z:.2f}<extra></extra>",
    }
    this.heat(
      this.correlation,
      trace,
      axis(this.theme, `dimensions, those that go together side by side${shown}`, null, {
        autorange: true,
        showticklabels: false,
        ticks: "",
      }),
      axis(this.theme, "dimensions, in the same order", null, { autorange: "reversed", showticklabels: false, ticks: "" }),
    )
    const mean = measures.find((each) => each.name === "redundancy")
    this.tell(
      this.correlation,
      `On average two dimensions correlate by ${short(mean?.value)} in size; at step 0 by ${short(mean?.before)}. Blue: together; red: one against the other.`,
    )
  }

  drawViews() {
    const body = this.seenViews
    if (!body) return
    this.views.show(body.measures, body.first)
    setText(
      this.views.good,
      `${body.views} new views of ${body.images} held-out images, weights of step ${body.step.toLocaleString("en-US")}`,
    )
    if (!this.cosines.stale(this.run?.id, body.step, this.layer, this.theme.dark)) return
    this.cosines.hint("")
    const x = Array.from({ length: BINS }, (_, i) => -1 + (2 * (i + 0.5)) / BINS)
    const hill = (y, name, color, more) => ({
      x,
      y,
      name,
      type: "scatter",
      mode: "lines",
      line: { color, width: 2, shape: "hvh" },
      hovertemplate: `${name}: %{y:.1%} near %{x:.2f}<extra></extra>`,
      ...more,
    })
    const faint = (name) =>
      hill(body.before[name], `${name} pairs, step ${body.first}`, this.theme.muted, {
        line: { color: this.theme.muted, width: 1, dash: name === "positive" ? "dot" : "dash", shape: "hvh" },
      })
    const traces = [
      faint("negative"),
      faint("positive"),
      hill(body.histograms.negative, "different images", this.theme.colors[1], { fill: "tozeroy" }),
      hill(body.histograms.positive, "one image", this.theme.colors[0], { fill: "tozeroy" }),
    ]
    const layout = {
      xaxis: axis(this.theme, "cosine", [-1, 1]),
      yaxis: axis(this.theme, "share of pairs", null, { autorange: true, rangemode: "tozero", tickformat: ".0%" }),
    }
    chips(this.cosines, [
      ["one image", this.theme.colors[0]],
      ["different images", this.theme.colors[1]],
      [`step ${body.first}`, this.theme.muted],
    ])
    this.cosines.draw(traces, layout, this.theme, this.run?.id)
    const mean = (values) => short(values.reduce((sum, share, i) => sum + share * x[i], 0))
    this.tell(
      this.cosines,
      `Two views of one image have a cosine of ${mean(body.histograms.positive)} on average, of different images ${mean(body.histograms.negative)}; at step ${body.first} it was ${mean(body.before.positive)} and ${mean(body.before.negative)}.`,
    )
  }

  noViews(sentence) {
    this.seenViews = null
    this.views.clear()
    setText(this.views.good, sentence)
    this.cosines.hint(sentence)
    this.cosines.draw([], NO_AXES, this.theme, this.run?.id)
    this.cosines.state = ""
    this.tell(this.cosines, "")
  }

  drawCka() {
    const body = this.cka
    if (!body) return
    const { steps, layers, other, step } = body
    if (!this.steps.stale(this.run?.id, steps, step, this.layer, other?.run, other?.steps, this.theme.dark)) return
    const matrix = grid(body.matrix)
    const near = steps.reduce((best, each, i) => (Math.abs(each - step) < Math.abs(steps[best] - step) ? i : best), 0)
    this.cells(this.steps, matrix, steps.map(String), steps.map(String), "step", "step")
    this.tell(
      this.steps,
      steps.length < 2
        ? "There is one snapshot so far."
        : `Step ${steps[near]} is alike to step ${steps[0]} by ${short(matrix[near][0])}, and to step ${steps.at(-1)} by ${short(matrix[near].at(-1))}; 1 is the same up to rotation and scale.`,
    )
    const between = grid(layers.matrix)
    const at = (layer, when) => layers.names.indexOf(`${layer} ${when}`)
    const names = layers.names.map((name) => name.replace(" ", "<br>step "))
    this.cells(this.layers, between, names, names, "", "")
    const pair = between[at("backbone", step)]?.[at("projector", step)]
    this.tell(
      this.layers,
      pair === undefined
        ? "This run has one layer to show: the backbone."
        : `At step ${step} projector and backbone are alike by ${short(pair)}.`,
    )
    this.drawOther(other, steps)
  }

  drawOther(other, steps) {
    this.other.element.hidden = !other
    if (!other) return
    this.other.hint(other.sentence ?? "")
    if (other.sentence) {
      this.other.draw([], NO_AXES, this.theme, this.run?.id)
      return this.tell(this.other, "")
    }
    const matrix = grid(other.matrix)
    this.cells(this.other, matrix, other.steps.map(String), steps.map(String), `step of ${other.run}`, "step")
    this.tell(
      this.other,
      `At the end both are alike by ${short(matrix.at(-1).at(-1))}, at the start by ${short(matrix[0][0])}; on ${other.images.toLocaleString("en-US")} common images.`,
    )
  }

  noCka(sentence) {
    this.cka = null
    for (const chart of [this.steps, this.layers, this.other]) {
      chart.hint(sentence)
      chart.state = ""
      chart.draw([], NO_AXES, this.theme, this.run?.id)
      this.tell(chart, "")
    }
  }

  /** A heat map from 0 to 1 with words on both axes. */
  cells(chart, z, x, y, across, down) {
    chart.hint("")
    const trace = {
      type: "heatmap",
      z,
      x,
      y,
      zmin: 0,
      zmax: 1,
      colorscale: "Viridis",
      colorbar: bar(this.theme, [0, 0.5, 1]),
      hovertemplate: `${down} %{y}, ${across} %{x}: %{z:.2f}<extra></extra>`,
    }
    const words = { type: "category", autorange: true, ticks: "", nticks: 8, tickangle: 0 }
    this.heat(chart, trace, axis(this.theme, across, null, words), axis(this.theme, down, null, { ...words, autorange: "reversed" }))
  }

  heat(chart, trace, xaxis, yaxis) {
    const layout = {
      xaxis: { ...xaxis, automargin: true, constrain: "domain" },
      yaxis: { ...yaxis, automargin: true, scaleanchor: "x", constrain: "domain" },
      margin: { l: 12, r: 8, t: 6, b: 12 },
    }
    chart.draw([trace], layout, this.theme, this.run?.id)
  }

  /** The same in words, to be seen and to be heard. */
  tell(chart, text) {
    setText(chart.said, text)
    chart.say(`${chart.title.textContent}. ${text}`)
  }

  remove() {
    clearTimeout(this.timer)
    document.removeEventListener("ssl-step", this.follow)
    this.seen.disconnect()
    for (const each of [this.numbers, this.looks, this.alike]) each.drop()
    for (const chart of this.charts) chart.remove()
  }
}

function grid({ shape: [rows, columns], data }) {
  const values = new Float32Array(Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)).buffer)
  return Array.from({ length: rows }, (_, i) => Array.from(values.subarray(i * columns, (i + 1) * columns)))
}

function bar(theme, tickvals) {
  return { thickness: 8, len: 0.9, outlinewidth: 0, tickvals, tickfont: { size: 10, color: theme.muted } }
}

function chips(chart, entries) {
  chart.chips.replaceChildren(
    ...entries.map(([text, color]) => {
      const chip = make("span.ssl-chip", text)
      chip.style.setProperty("--color", color)
      return chip
    }),
  )
}
