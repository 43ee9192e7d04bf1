// The curves of both: healthy and broken in one chart each, under one clock.

import { Panel } from "../panel.js"
import { axisTitle, definitionOf } from "../definitions.js"
import { Chart, axis } from "../plot.js"
import { Range } from "../ranges.js"
import { spectraOf, spectrumAxes, spectrumCurve } from "../spectrum.js"
import { LAYERS, factorOf, inLayer, ofMeasure } from "../metrics.js"
import { make, setText, short } from "../theme.js"
import { SIDES, RunPair, sideColors } from "../pair.js"
import { detectedAt } from "../verdict.js"
import { changeMarks, line, reference } from "../run_charts.js"
import { unmeasured } from "./curves.js"

const QUIET = ["starting", "healthy"]

export default class PairCurves extends Panel {
  following = "" // which two runs
  ranges = {} // of each chart
  spectra = {} // side -> those of its newest step
  asked = {} // side -> the step whose spectra were asked for last

  constructor(place) {
    super()
    this.key = make(
      "div.ssl-chips.ssl-healthy-broken",
      ...SIDES.map((side) => make("span.ssl-chip", side)),
      make("span.ssl-good", "solid: backbone · dashed: projector"),
    )
    this.charts = {
      spread: new Chart("spread"),
      rank: new Chart("rankme_centered"),
      knn: new Chart("knn/*", "high: the features encode this factor · numbers: healthy | broken", "backbone"),
      loss: new Chart("loss", "a low loss is not a good representation"),
      spectrum: new Chart("spectrum"),
      bins: new Chart("*/perplexity"),
    }
    const shown = Object.values(this.charts).map((chart) => chart.element)
    place.append(this.key, make("div.ssl-grid.ssl-pair-charts", ...shown))
    this.factors = this.charts.knn.chips
    this.pair = new RunPair(() => this.draw())
    this.factor = null
  }

  update() {
    this.pair.follow(this.data)
    if (this.following !== `${this.data.healthy} ${this.data.broken}`) {
      this.following = `${this.data.healthy} ${this.data.broken}`
      this.ranges = Object.fromEntries(Object.keys(this.charts).map((name) => [name, new Range()]))
      this.spectra = {}
      this.asked = {}
    }
    this.draw()
  }

  draw() {
    const colors = sideColors(this.theme)
    SIDES.forEach((side, i) => this.key.children[i].style.setProperty("--color", colors[side]))
    this.layered("spread", "feature_std", [{ value: 1, meaning: "uniform on the sphere" }], [0, 1.15], norm)
    this.layered("rank", "rankme_centered", [], [1, 2])
    this.knn()
    this.plain("loss", (run) => [[run.metrics.get("loss"), "loss", "solid"]], axis(this.theme, "loss"))
    this.bins()
    this.spectrum()
  }

  /**
   * A diagnostic that both layers have.
   * @param {(run: any, layer: string) => number} unit what its values are divided by
   */
  layered(name, metric, references, least, unit = () => 1) {
    const series = (run) =>
      LAYERS.map((layer, i) => {
        const found = run.metrics.get(inLayer(layer, metric))
        const by = unit(run, layer)
        return [found && { steps: found.steps, values: found.values.map((value) => value / by) }, layer, i ? "dash" : "solid"]
      })
    this.ranges[name].cover(least)
    const title = name === "spread" ? "share of 1/√D" : axisTitle(definitionOf(metric), name)
    this.plain(name, series, axis(this.theme, title), references)
  }

  knn() {
    const run = this.pair.both[0]?.[1]
    const names = run ? ofMeasure("knn", run.metrics.keys()) : []
    if (!names.includes(this.factor)) this.factor = names[0] ?? null
    while (this.factors.children.length > names.length) this.factors.lastChild.remove()
    names.forEach((name, i) => {
      const chip = this.factors.children[i] ?? this.factors.appendChild(this.choice())
      chip.dataset.name = name
      chip.setAttribute("aria-pressed", name === this.factor)
      chip.style.setProperty("--color", this.theme.muted)
      setText(chip, `${factorOf(name)} ${this.pair.both.map(([, each]) => short(each.now(name))).join(" | ")}`)
    })
    const random = run?.baseline.random?.[this.factor]
    const chance = run?.baseline.chance?.[this.factor]
    const references = [
      [random, "random network"],
      [chance, "chance"],
    ]
      .filter(([value]) => value !== undefined)
      .map(([value, meaning]) => ({ value, meaning }))
    this.plain(
      "knn",
      (each) => [[each.metrics.get(this.factor), factorOf(this.factor ?? ""), "solid"]],
      axis(this.theme, "accuracy", [0, 1]),
      references,
    )
    if (run?.snapshots.size && !names.length) this.charts.knn.hint(unmeasured(run))
  }

  choice() {
    const chip = make("button.ssl-chip")
    chip.type = "button"
    chip.onclick = () => {
      this.factor = chip.dataset.name
      this.draw()
    }
    return chip
  }

  bins() {
    const names = [...new Set(this.pair.both.flatMap(([, run]) => Object.keys(run.facts.bins ?? {})))]
    this.charts.bins.element.hidden = !names.length
    if (names.length)
      this.plain(
        "bins",
        (run) => names.map((who, i) => [run.metrics.get(`${who}/perplexity`), who, i ? "dash" : "solid"]),
        axis(this.theme, "bins"),
      )
  }

  /** series(run) -> [{ steps, values }, name, dash] of each line. */
  plain(name, series, y, references = []) {
    const chart = this.charts[name]
    const colors = sideColors(this.theme)
    const lines = this.pair.both.flatMap(([side, run]) =>
      series(run)
        .filter(([found]) => found?.steps.length)
        .map((each) => [side, ...each]),
    )
    const marks = this.marks(name === "spread")
    const ends = lines.map(([side, found, what]) => [side, what, found.steps.length, found.steps.at(-1)])
    if (!chart.stale(this.following, ends, references, marks, this.theme.dark, this.theme.background, this.factor)) return
    chart.hint(lines.length ? "" : "Nothing measured yet.")
    const traces = lines.map(([side, found, what, dash]) => {
      const trace = line(found, `${side}, ${what}`, colors[side], dash === "solid" ? 2 : 1.4)
      trace.line.dash = dash
      return trace
    })
    references.forEach((each) => reference(marks, each, this.theme))
    const fixed = y.range
      ? y
      : {
          ...y,
          autorange: false,
          range: this.ranges[name].cover([...lines.flatMap(([, found]) => found.values), ...references.map((each) => each.value)]),
        }
    chart.draw(
      traces,
      { xaxis: axis(this.theme, "step", [0, this.pair.steps]), yaxis: fixed, ...marks },
      this.theme,
      `${this.following} ${this.factor}`,
    )
    const values = lines.map(([side, found, what]) => `${side} ${what} ${short(found.values.at(-1))}`).join(", ")
    chart.say(`${chart.title.textContent} at step ${this.pair.clock}: ${values || "nothing yet"}`)
  }

  /** Where knobs of the broken run were moved, and the step at which the judge first gave its present verdict. */
  marks(labeled) {
    const { broken } = this.pair.runs
    const marks = broken && !broken.error ? changeMarks(broken, this.theme, labeled) : { shapes: [], annotations: [] }
    for (const [side, run] of this.pair.both) {
      const since = detectedAt(run)
      if (!since || QUIET.includes(since.state)) continue
      const color = sideColors(this.theme)[side]
      marks.shapes.push({
        type: "line",
        x0: since.step,
        x1: since.step,
        y0: 0,
        y1: 1,
        yref: "paper",
        line: { color, width: 1.5, dash: "longdash" },
      })
      const late = since.step > 0.6 * this.pair.steps
      if (labeled)
        marks.annotations.push({
          x: since.step,
          y: 0.62,
          yref: "paper",
          xanchor: late ? "right" : "left",
          text: `${since.state} since step ${since.step}`,
          showarrow: false,
          font: { size: 10.5, color },
          bgcolor: this.theme.background,
          opacity: 0.92,
          borderpad: 1,
        })
    }
    return marks
  }

  /** Both spectra of the newest step that both have measured. */
  spectrum() {
    const both = this.pair.both.filter(([, run]) => run.snapshots.size)
    const last = Math.min(...both.map(([, run]) => Math.max(...run.snapshots.keys())))
    for (const [side, run] of both) {
      const step = run.snapshots.has(last) ? last : Math.max(...run.snapshots.keys())
      if (this.asked[side] === step) continue
      this.asked[side] = step
      const wanted = this.following
      run.frame(step).then(
        (arrays) => {
          if (this.following !== wanted) return
          this.spectra[side] = { step, arrays }
          this.drawSpectrum()
        },
        () => {
          this.asked[side] = null
        },
      )
    }
    this.drawSpectrum()
  }

  drawSpectrum() {
    const chart = this.charts.spectrum
    const found = SIDES.flatMap((side) => spectraOf(this.spectra[side]?.arrays).map(([layer, values]) => [side, layer, values]))
    if (
      !chart.stale(
        this.following,
        SIDES.map((side) => this.spectra[side]?.step),
        this.theme.dark,
        this.theme.background,
      )
    )
      return
    chart.hint(found.length ? "" : "How many directions the features use.")
    const colors = sideColors(this.theme)
    const traces = found.map(([side, layer, values]) => {
      const line = layer === "backbone" ? { width: 2, dash: "solid" } : { width: 1.4, dash: "dash" }
      return spectrumCurve(values, `${side}, ${layer}`, { color: colors[side], ...line })
    })
    const most = Math.max(...found.map((each) => each[2].length), 2)
    chart.draw(traces, spectrumAxes(this.theme, most), this.theme, this.following)
    chart.say(`Singular values of both runs, log scale, at step ${this.spectra.broken?.step ?? 0}`)
  }

  remove() {
    this.pair.remove()
    for (const chart of Object.values(this.charts)) chart.remove()
  }
}

/** The feature std of a layer that is uniform on the sphere. */
function norm(run, layer) {
  const metric = inLayer(layer, "feature_std")
  const size = run.facts.layers?.[layer] ?? 1
  return run.facts.references?.find((each) => each.metric === metric)?.value ?? 1 / Math.sqrt(size)
}
