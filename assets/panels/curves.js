// The curves: k-NN accuracy a factor, the loss with its reference lines, and whatever else this run measures of its pictures.

import { Chart, Range, axis, changeMarks } from "../plot.js"
import { make, setText, short, plainName } from "../theme.js"

const MOST = 1500 // points of one curve that are drawn: more cannot be told apart
const FIRST = 2 // factors that stand out until somebody chooses others

export class Curves {
  constructor(place) {
    this.knn = new Chart("k-NN accuracy", "high for a factor that the network keeps, low for one that it ignores", "backbone")
    this.loss = new Chart("Loss", "falls")
    this.painting = new Chart("Reconstruction error", "far below the dashed line, which predicts the mean patch", "hidden patches")
    place.append(this.knn.element, this.loss.element, this.painting.element)
    this.painting.element.hidden = true
    this.chosen = null
    this.range = new Range()
  }

  turn() {
    this.range = new Range()
    this.painted = new Range()
    this.painting.element.hidden = true
  }

  update(run) {
    this.run = run
    this.drawKnn(run)
    this.drawLoss(run)
    this.drawPainting(run)
  }

  remove() {
    for (const chart of [this.knn, this.loss, this.painting]) chart.remove()
  }

  drawKnn(run) {
    const factors = run ? [...run.metrics.keys()].filter((name) => name.startsWith("knn/")) : []
    const measured = run?.metrics.get(factors[0])?.steps
    if (!this.knn.stale(run?.id, factors, measured?.length, measured?.at(-1), [...(this.chosen ?? [0])], ...this.frame(run))) return
    this.knn.hint(factors.length ? "" : "Which factors do nearest neighbors share? Measured from the first step on, beside two baselines.")
    const shown = this.shown(factors)
    const traces = factors.flatMap((name, i) => {
      const color = this.theme.colors[i % this.theme.colors.length]
      const strong = shown.has(name)
      const curve = line(run.metrics.get(name), plainName(name.slice(4)), color, strong ? 2.2 : 1)
      curve.opacity = strong ? 1 : 0.35
      curve.line.shape = "linear"
      const levels = strong ? [["random", "dash", "random network"], ["pixels", "dot", "raw pixels"]] : []
      return [...levels.map(([key, dash, meaning]) => level(run, key, name, color, dash, meaning)).filter(Boolean), curve]
    })
    this.chips(run, factors, shown)
    const marks = run ? changeMarks(run, this.theme, true) : {}
    this.knn.draw(traces, { xaxis: steps(run, this.theme), yaxis: axis(this.theme, "accuracy", [0, 1], { tickformat: ".1f" }), ...marks }, this.theme, run?.id)
    this.knn.say(`k-NN accuracy of the backbone at step ${run?.step ?? 0}: ${factors.map((name) => `${name.slice(4)} ${short(run.now(name))}`).join(", ") || "nothing yet"}`)
  }

  /** What every curve depends on beside its own points. */
  frame(run) {
    return [run?.changes.length, run?.steps, Boolean(run?.status), Object.keys(run?.baseline ?? {}), this.theme.dark, this.theme.background]
  }

  shown(factors) {
    const kept = factors.filter((name) => this.chosen?.has(name))
    return this.chosen && (kept.length || !factors.length) ? new Set(kept) : new Set(factors.slice(0, FIRST))
  }

  chips(run, factors, shown) {
    const list = this.knn.chips
    while (list.children.length > factors.length) list.lastChild.remove()
    factors.forEach((name, i) => {
      const chip = list.children[i] ?? list.appendChild(this.chip())
      chip.dataset.name = name
      chip.style.setProperty("--color", this.theme.colors[i % this.theme.colors.length])
      chip.setAttribute("aria-pressed", shown.has(name))
      const now = run.now(name)
      const random = run.baseline.random?.[name]
      const gain = random === undefined || Math.abs(now - random) < 0.02 ? "" : now > random ? " ↗" : " ↘"
      setText(chip, `${name.slice(4)} ${short(now)}${gain}`)
      chip.title = `${name.slice(4)}: ${short(now)} now, ${short(random)} by the random network, ${short(run.baseline.pixels?.[name])} by raw pixels`
    })
  }

  chip() {
    const chip = make("button.ssl-chip")
    chip.type = "button"
    chip.onclick = () => {
      const factors = [...this.run.metrics.keys()].filter((name) => name.startsWith("knn/"))
      const shown = this.shown(factors)
      if (!shown.delete(chip.dataset.name)) shown.add(chip.dataset.name)
      this.chosen = shown
      this.drawKnn(this.run)
    }
    return chip
  }

  drawLoss(run) {
    const loss = run?.metrics.get("loss")
    if (!this.loss.stale(run?.id, loss?.steps.length, loss?.steps.at(-1), run?.facts.layers, ...this.frame(run))) return
    this.loss.hint(loss ? "" : "The loss of every step, beside the value that it has when the network has learned nothing.")
    setText(this.loss.layer, run?.facts.layers?.projector ? "projector" : run?.metrics.has("reconstruction") ? "hidden patches" : run?.facts.layers ? "backbone" : "")
    const references = (run?.facts.references ?? []).filter((each) => each.metric === "loss")
    const parts = run ? [...run.metrics.keys()].filter((name) => name.startsWith("loss/")) : []
    const traces = parts.map((name, i) => line(run.metrics.get(name), plainName(name.slice(5)), this.theme.colors[(i + 1) % 8], 1))
    if (loss) traces.push(line(loss, "loss", this.theme.text, 1.6))
    const range = this.range.cover([...(loss?.values ?? []), ...references.map((each) => each.value)])
    const marks = run ? changeMarks(run, this.theme, false) : { shapes: [], annotations: [] }
    references.forEach((each) => this.reference(marks, each))
    setText(this.loss.good, references.length ? "falls; read it against the dashed line" : "falls")
    this.legend(this.loss, run, ["loss", ...parts])
    this.loss.draw(traces, { xaxis: steps(run, this.theme), yaxis: axis(this.theme, "loss", range), ...marks }, this.theme, run?.id)
    this.loss.say(`Loss ${short(loss?.values.at(-1))} at step ${run?.step ?? 0}${references.map((each) => `; ${short(each.value)} means ${each.meaning}`).join("")}`)
  }

  reference(marks, each) {
    marks.shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: each.value, y1: each.value, line: { color: this.theme.muted, width: 1.2, dash: "dash" } })
    marks.annotations.push({
      xref: "paper", x: 1, xanchor: "right", y: each.value, yanchor: "bottom", text: each.meaning, showarrow: false,
      font: { size: 10, color: this.theme.muted }, borderpad: 1,
    })
  }

  legend(chart, run, names) {
    const known = names.filter((name) => run?.metrics.has(name))
    while (chart.chips.children.length > known.length) chart.chips.lastChild.remove()
    known.forEach((name, i) => {
      const chip = chart.chips.children[i] ?? chart.chips.appendChild(make("span.ssl-chip"))
      chip.style.setProperty("--color", name === "loss" ? this.theme.text : this.theme.colors[i % 8])
      setText(chip, `${plainName(name.split("/").at(-1))} ${short(run.now(name))}`)
    })
  }

  drawPainting(run) {
    const error = run?.metrics.get("reconstruction")
    this.painting.element.hidden = !error
    if (!error || !this.painting.stale(run.id, error.steps.length, error.steps.at(-1), ...this.frame(run))) return
    const mean = run.baseline.trivial?.reconstruction
    // The untrained network paints far worse than the mean patch; what matters happens below three times that line.
    const range = (this.painted ??= new Range()).cover(mean ? [0, 3 * mean] : [0, ...error.values])
    const marks = changeMarks(run, this.theme, false)
    if (mean !== undefined) this.reference(marks, { value: mean, meaning: `predicting the mean patch: ${short(mean)}` })
    this.legend(this.painting, run, ["reconstruction"])
    const layout = { xaxis: steps(run, this.theme), yaxis: axis(this.theme, "mean squared error", range), ...marks }
    this.painting.draw([line(error, "reconstruction error", this.theme.colors[0], 2)], layout, this.theme, run.id)
    this.painting.say(`Reconstruction error ${short(error.values.at(-1))}; predicting the mean patch has ${short(mean)}`)
  }
}

function steps(run, theme) {
  return axis(theme, "step", [0, run?.steps ?? 1], { showticklabels: Boolean(run?.status) })
}

function line(series, name, color, width) {
  const { steps: x, values: y } = thinned(series)
  return { x, y, name, type: "scatter", mode: x.length > 1 ? "lines" : "markers", line: { color, width }, marker: { color, size: 5 }, hovertemplate: `${name} %{y:.3f}<br>step %{x}<extra></extra>` }
}

/** Every n-th point of a long curve, and always its last. */
function thinned(series) {
  const every = Math.ceil(series.steps.length / MOST)
  if (every === 1) return { steps: series.steps.slice(), values: series.values.slice() }
  const keep = (_, i) => i % every === 0 || i === series.steps.length - 1
  return { steps: series.steps.filter(keep), values: series.values.filter(keep) }
}

function level(run, key, metric, color, dash, meaning) {
  const value = run.baseline[key]?.[metric]
  if (value === undefined) return null
  return {
    x: [0, run.steps], y: [value, value], type: "scatter", mode: "lines", line: { color, width: 1.2, dash }, opacity: 0.75,
    name: meaning, hovertemplate: `${meaning}: ${plainName(metric.slice(4))} ${short(value)}<extra></extra>`,
  }
}
