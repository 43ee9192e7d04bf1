// The curves: k-NN accuracy a factor, the loss with its reference lines, and how well the method does the task it trains on.

import { Panel } from "../panel.js"
import { STEP, hear } from "../announcements.js"
import { axisTitle, explain } from "../definitions.js"
import { Chart, axis } from "../plot.js"
import { Range, titleOf } from "../ranges.js"
import { changeMarks, legend, level, line, reference, schedules, steps } from "../run_charts.js"
import { factorOf, measuredBy, ofMeasure } from "../metrics.js"
import { make, setText, short, plainName } from "../theme.js"

// What accuracies are read against: key, dash of its line, how that looks, what it means.
const LEVELS = [
  ["random", "dash", "dashed", "random network"],
  ["pixels", "dot", "dotted", "raw pixels"],
  ["chance", "1px,7px", "sparse dots", "chance"],
]
const FIRST = 2 // factors that stand out until somebody chooses others

/**
 * 1 where an accuracy has gained on the random network by more than chance gives, as the judge has it (diagnostics/rules.py);
 * -1 where it has fallen so; else 0.
 */
export function gained(run, name) {
  const [now, before] = [run.now(name), run.baseline.random?.[name]]
  const { gain, labeled, pictures, probe } = run.facts
  if (now === undefined || before === undefined || !gain) return 0
  const count = labeled?.[factorOf(name)] ?? pictures?.distinct ?? probe
  const error = Math.sqrt((before * (1 - before) + now * (1 - now)) / Math.max(count, 1))
  return Math.abs(now - before) < Math.max(gain.least, gain.errors * error) ? 0 : Math.sign(now - before)
}

export default class Curves extends Panel {
  /** @type {any} */
  run = null
  tasks = new Range() // of the task's own accuracy or error

  constructor(place) {
    super()
    this.knn = new Chart("knn/*", undefined, "backbone")
    this.good = this.knn.good.textContent
    this.loss = new Chart("loss")
    this.task = new Chart("task", "", "held-out images")
    place.append(this.knn.element, this.loss.element, this.task.element)
    this.task.element.hidden = true
    this.chosen = null
    this.range = new Range()
    this.deafen = hear(STEP, (detail) => this.point(detail))
  }

  /** A cursor at the step that is looked at elsewhere on the page; null is the newest, where the curves end. */
  point({ run, step, span }) {
    if (run !== this.run?.id) return
    for (const chart of this.charts) chart.point(step, span)
  }

  get charts() {
    return [this.knn, this.loss, this.task]
  }

  turn() {
    this.range = new Range()
    this.tasks = new Range()
    this.task.element.hidden = true
    for (const chart of this.charts) chart.point(null)
  }

  update(run) {
    this.run = run
    this.drawKnn(run)
    this.drawLoss(run)
    this.drawTask(run)
  }

  remove() {
    this.deafen()
    for (const chart of this.charts) chart.remove()
  }

  drawKnn(run) {
    const factors = run ? ofMeasure("knn", run.metrics.keys()) : []
    const measured = run?.metrics.get(factors[0])?.steps
    if (
      !this.knn.stale(
        run?.id,
        factors,
        measured?.length,
        measured?.at(-1),
        Boolean(run?.snapshots.size),
        [...(this.chosen ?? [0])],
        ...this.frame(run),
      )
    )
      return
    const waiting = "Which factors do nearest neighbors share? Measured from the first step on, beside two baselines."
    this.knn.hint(factors.length ? "" : run?.snapshots.size ? `${unmeasured(run)} The map shows who the neighbors are.` : waiting)
    const shown = this.shown(factors)
    const traces = factors.flatMap((name, i) => {
      const color = this.theme.colors[i % this.theme.colors.length]
      const strong = shown.has(name)
      const curve = line(run.metrics.get(name), plainName(factorOf(name)), color, strong ? 2.2 : 1)
      curve.opacity = strong ? 1 : 0.35
      curve.line.shape = "linear"
      const levels = strong ? LEVELS : []
      const classes = strong && run.metrics.get(measuredBy("knn_balanced", name)) // under imbalance alone
      const mean = classes ? [{ ...line(classes, `${plainName(factorOf(name))}, mean over classes`, color, 1.4), opacity: 0.8 }] : []
      return [...levels.map(([key, dash, , meaning]) => level(run, key, name, color, dash, meaning)).filter(Boolean), ...mean, curve]
    })
    this.chips(run, factors, shown)
    setText(this.knn.good, [this.good, ...(factors.length ? baselines(run) : [])].join(" · "))
    const marks = run ? changeMarks(run, this.theme, true) : {}
    this.knn.draw(
      traces,
      { xaxis: steps(run, this.theme), yaxis: axis(this.theme, "accuracy", [0, 1], { tickformat: ".1f" }), ...marks },
      this.theme,
      run?.id,
    )
    const values = factors.map((name) => `${factorOf(name)} ${short(run.now(name))}${beside(run, name)}`).join(", ")
    this.knn.say(`Live k-NN accuracy of the backbone at step ${run?.step ?? 0}: ${values || "nothing yet"}`)
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
      const gain = { 1: " ↗", "-1": " ↘" }[gained(run, name)] ?? ""
      const classes = run.now(measuredBy("knn_balanced", name))
      setText(chip, `${factorOf(name)} ${short(now)}${classes === undefined ? "" : ` (classes ${short(classes)})`}${gain}`)
      const others = `${short(random)} by the random network, ${short(run.baseline.pixels?.[name])} by raw pixels`
      chip.title = `${factorOf(name)}: ${short(now)} now${beside(run, name)}, ${others}`
    })
  }

  chip() {
    const chip = make("button.ssl-chip")
    chip.type = "button"
    chip.onclick = () => {
      const factors = ofMeasure("knn", this.run.metrics.keys())
      const shown = this.shown(factors)
      if (!shown.delete(chip.dataset.name)) shown.add(chip.dataset.name)
      this.chosen = shown
      this.drawKnn(this.run)
    }
    return chip
  }

  drawLoss(run) {
    const loss = run?.metrics.get("loss")
    if (
      !this.loss.stale(run?.id, run?.facts.schedules?.length, loss?.steps.length, loss?.steps.at(-1), run?.facts.layers, ...this.frame(run))
    )
      return
    this.loss.hint(loss ? "" : "The loss of every step, beside the value that it has when the network has learned nothing.")
    setText(this.loss.layer, run?.facts.layers?.projector ? "projector" : "")
    const references = (run?.facts.references ?? []).filter((each) => each.metric === "loss")
    const parts = run ? ofMeasure("loss", run.metrics.keys()) : []
    const traces = parts.map((name, i) => line(run.metrics.get(name), plainName(factorOf(name)), this.theme.colors[(i + 1) % 8], 1))
    if (loss) traces.push(line(loss, "loss", this.theme.text, 1.6))
    const top = Math.max(...(loss?.values ?? []).filter(Number.isFinite)) // parts below the sum belong on its axis; larger ones are weighed down
    const below = parts.flatMap((name) => run.metrics.get(name).values.filter((value) => value <= top))
    const range = this.range.cover([...(loss?.values ?? []), ...below, ...references.map((each) => each.value)], run?.begun)
    const marks = run ? changeMarks(run, this.theme, false) : { shapes: [], annotations: [] }
    references.forEach((each) => reference(marks, each, this.theme))
    traces.push(...schedules(run, this.theme, marks))
    const against = run?.facts.negatives ? `; each view against ${run.facts.negatives.toLocaleString("en-US")} negatives` : ""
    explain(this.loss.title, run?.facts.loss ?? "loss")
    setText(this.loss.good, (run?.facts.loss?.good ?? (references.length ? "falls below the dashed line" : "falls")) + against)
    legend(this.loss, run, ["loss", ...parts], this.theme)
    const scheduled = { overlaying: "y", range: [0, 1], visible: false, fixedrange: true }
    this.loss.draw(
      traces,
      { xaxis: steps(run, this.theme), yaxis: axis(this.theme, titleOf(range, "loss"), range), yaxis2: scheduled, ...marks },
      this.theme,
      run?.id,
    )
    const levels = references.map((each) => `; ${short(each.value)} means ${each.meaning}`).join("")
    this.loss.say(`Loss ${short(loss?.values.at(-1))} at step ${run?.step ?? 0}${levels}`)
  }

  drawTask(run) {
    const [name, trivial] = ownTask(run)
    const values = name ? run.metrics.get(name) : null
    this.task.element.hidden = !values
    if (!values || !this.task.stale(run.id, name, values.steps.length, values.steps.at(-1), ...this.frame(run))) return
    const measure = run.facts.measures?.[name] ?? { title: plainName(name), good: "better than the dashed line", low: null, high: null }
    setText(this.task.title, measure.title)
    explain(this.task.title, run.facts.measures?.[name] ?? "task")
    setText(this.task.good, measure.good)
    // An untrained network may be far worse than the trivial solution; what matters happens below three times that line.
    const range = measure.high === null ? this.tasks.cover([0, 3 * trivial]) : [measure.low ?? 0, measure.high]
    const marks = changeMarks(run, this.theme, false)
    reference(marks, { value: trivial, meaning: `trivial solution: ${short(trivial)}` }, this.theme)
    legend(this.task, run, [name], this.theme, true)
    const layout = {
      xaxis: steps(run, this.theme),
      yaxis: axis(this.theme, titleOf(range, axisTitle(run.facts.measures?.[name], plainName(name))), range),
      ...marks,
    }
    this.task.draw([line(values, plainName(name), this.theme.colors[0], 2)], layout, this.theme, run.id)
    this.task.say(`${measure.title} ${short(values.values.at(-1))}; the trivial solution has ${short(trivial)}`)
  }
}

/** The lines across the chart, in words. */
function baselines(run) {
  return LEVELS.filter(([key]) => run.baseline[key]).map(([, , look, meaning]) => `${look}: ${meaning}`)
}

/** Why there is no accuracy, in a sentence. */
export function unmeasured(run) {
  const [, why] = Object.entries(run.facts.unmeasured ?? {}).find(([name]) => !ofMeasure("explained", [name]).length) ?? []
  return why ? `${why[0].toUpperCase()}${why.slice(1)}.` : "These images have no labels: whether neighbors share them cannot be measured."
}

/** What an accuracy is read against: chance, and where classes are uneven the mean over classes. */
function beside(run, name) {
  const [chance, classes] = [run.baseline.chance?.[name], run.now(measuredBy("knn_balanced", name))]
  return `${classes === undefined ? "" : `, mean over classes ${short(classes)}`}${chance === undefined ? "" : `, chance ${short(chance)}`}`
}

/**
 * The metric by which the method's own task is judged: the first that has a trivial solution to beat.
 * @returns {[any, any]} its name and that solution's value, or nulls
 */
export function ownTask(run) {
  return Object.entries(run?.baseline.trivial ?? {}).find(([name]) => run.metrics.has(name)) ?? [null, null]
}
