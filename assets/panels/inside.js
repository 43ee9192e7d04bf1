// What goes on inside the method: how similar its views are, how its bins are used, and the numbers of its own. Whatever a run has is drawn.

import { Panel } from "../panel.js"
import { axisTitle, definitionOf, explain } from "../definitions.js"
import { Chart, axis } from "../plot.js"
import { Range, titleOf } from "../ranges.js"
import { changeMarks, legend, line, reference, steps } from "../run_charts.js"
import { ownTask } from "./curves.js"
import { make, setText, short } from "../theme.js"

const USE = "use/"

export default class Inside extends Panel {
  /** @type {any} */
  run = null
  /** @type {any} of the snapshot at the step `at` */
  arrays = null
  /** @type {number | null} */
  at = null
  /** @type {number | null} */
  asked = null

  constructor(place) {
    super()
    this.place = place
    this.title = make("h2.ssl-title", "Inside the method")
    this.grid = make("div.ssl-grid")
    place.append(this.title, this.grid)
    this.charts = new Map()
    place.hidden = true
  }

  turn() {
    for (const key of this.charts.keys()) this.hide(key) // the next run takes up those that it has, and makes nothing anew
    this.arrays = null
    this.at = null
    this.asked = null
  }

  update(run) {
    this.run = run
    this.fetch(run)
    if (run) this.drawGroups(run)
    if (run && this.arrays) {
      this.drawSimilarity(run)
      for (const name of Object.keys(this.arrays).filter((each) => each.startsWith(USE))) this.drawUse(run, name)
    }
    this.place.hidden = ![...this.charts.values()].some(({ chart }) => !chart.element.hidden)
  }

  /** The distributions of the newest snapshot. */
  fetch(run) {
    if (!run?.snapshots.size) return
    const last = Math.max(...run.snapshots.keys())
    if (this.asked === last) return
    this.asked = last
    run.frame(last).then(
      (arrays) => {
        if (run !== this.run) return
        this.arrays = arrays
        this.at = last
        this.update(run)
      },
      () => {
        this.asked = null
      },
    )
  }

  chart(key, title, good, layer = "", /** @type {any} */ means = null) {
    let held = this.charts.get(key)
    if (!held) {
      held = { chart: new Chart(title, good, layer), range: new Range() }
      this.charts.set(key, held)
      this.grid.append(held.chart.element)
    }
    if (means) explain(held.chart.title, means)
    setText(held.chart.good, good ?? definitionOf(means).good)
    setText(held.chart.layer, layer)
    held.chart.element.hidden = false
    return held
  }

  hide(key) {
    const held = this.charts.get(key)
    if (!held) return
    held.chart.element.hidden = true
    held.range = new Range()
  }

  /** Measures of one title share a chart. */
  drawGroups(run) {
    const groups = new Map()
    const [above] = ownTask(run) // has a chart of its own, from the moment that its trivial solution is known
    for (const [name, measure] of Object.entries(run.facts.measures ?? {})) {
      if (!run.metrics.has(name) || name === above) continue
      groups.set(measure.title, [...(groups.get(measure.title) ?? []), name])
    }
    const title = run.facts.measures?.[above]?.title
    if (!groups.has(title)) this.hide(title)
    for (const [title, names] of groups) this.drawGroup(run, title, names, run.facts.measures[names[0]])
    for (const [who, count] of Object.entries(run.facts.bins ?? {})) {
      const measure = { good: `of ${count}; 1: all images fell into one`, low: 0, high: count }
      if (run.metrics.has(`${who}/perplexity`))
        this.drawGroup(run, `Bins in use by the ${who} (perplexity)`, [`${who}/perplexity`], measure)
    }
  }

  drawGroup(run, title, names, measure) {
    const { chart, range } = this.chart(title, title, measure.good, "", measure.formula ? measure : names[0])
    const length = run.metrics.get(names[0]).steps.length
    if (!chart.stale(run.id, names, length, run.changes.length, run.steps, run.baseline.trivial !== undefined, this.theme.dark)) return
    const [unit, alone] = [axisTitle(measure.formula ? measure : definitionOf(names[0]), plain(names[0])), names.length === 1]
    const traces = names.map((name, i) => line(run.metrics.get(name), plain(name), this.theme.colors[i % 8], 1.5))
    const marks = changeMarks(run, this.theme, false)
    const levels = names.map((name) => [name, run.baseline.trivial?.[name]]).filter((each) => each[1] !== undefined)
    for (const [, value] of levels) reference(marks, { value, meaning: `trivial solution: ${short(value)}` }, this.theme)
    const references = (run.facts.references ?? []).filter((each) => names.includes(each.metric))
    for (const each of references) reference(marks, each, this.theme)
    const fixed = measure.low !== null && measure.high !== null
    const found = range.cover(
      [...names.flatMap((name) => run.metrics.get(name).values), ...levels.map((each) => each[1]), ...references.map((each) => each.value)],
      run.begun,
    )
    const span = fixed ? [measure.low, measure.high] : [measure.low ?? found[0], measure.high ?? found[1]]
    legend(chart, run, names, this.theme, alone)
    chart.draw(traces, { xaxis: steps(run, this.theme), yaxis: axis(this.theme, titleOf(span, unit), span), ...marks }, this.theme, run.id)
    chart.say(`${title} at step ${run.step}: ${names.map((name) => `${plain(name)} ${short(run.now(name))}`).join(", ")}`)
  }

  drawSimilarity(run) {
    const [positive, negative] = [this.arrays["similarity/positive"], this.arrays["similarity/negative"]]
    if (!positive || !negative) return
    const layer = run.facts.layers?.projector ? "projector" : "backbone"
    const { chart } = this.chart("similarity", "similarity", undefined, layer, "similarity")
    if (!chart.stale(run.id, this.at, this.theme.dark)) return
    const middles = Array.from(positive, (_, i) => -1 + (2 * (i + 0.5)) / positive.length)
    const bars = (values, name, color) => ({
      x: middles,
      y: Array.from(values),
      name,
      type: "scatter",
      mode: "lines",
      line: { color, width: 1.5, shape: "hvh" },
      fill: "tozeroy",
      fillcolor: `${color}44`,
      hovertemplate: `${name}: %{y:.1%} near %{x:.2f}<extra></extra>`,
    })
    const [own, other] = [this.theme.colors[2], this.theme.colors[5]]
    chart.legend([
      ["one image", own],
      ["different images", other],
    ])
    const layout = {
      xaxis: axis(this.theme, "cosine", [-1, 1]),
      yaxis: axis(this.theme, "share of the pairs", [0, null], {
        rangemode: "tozero",
        tickformat: ".0%",
        autorange: true,
        range: undefined,
      }),
    }
    chart.draw([bars(negative, "different images", other), bars(positive, "one image", own)], layout, this.theme, run.id)
    chart.say(
      `Cosine of two views at step ${this.at}: one image ${short(mean(middles, positive))} on average, different images ${short(mean(middles, negative))}`,
    )
  }

  drawUse(run, name) {
    const who = name.slice(USE.length)
    const used = run.now(`${who}/perplexity`)
    const { chart } = this.chart(name, `Use of the ${who}`, "even: all are in use; one tall bar: all images fell into one", "", "use/*")
    if (!chart.stale(run.id, this.at, used, this.theme.dark)) return
    const shares = Array.from(this.arrays[name]).sort((a, b) => b - a)
    const even = 1 / shares.length
    const layout = {
      xaxis: axis(this.theme, "most used first", [-0.5, shares.length - 0.5]),
      yaxis: axis(this.theme, "share of images", [0, Math.max(shares[0] * 1.1, even * 4)], { tickformat: ".1~%" }),
      shapes: [
        { type: "line", xref: "paper", x0: 0, x1: 1, y0: even, y1: even, line: { color: this.theme.muted, width: 1.2, dash: "dash" } },
      ],
      bargap: shares.length > 200 ? 0 : 0.15,
    }
    chart.legend([
      [`${short(used)} of ${shares.length} in use`, this.theme.colors[0]],
      [`${short(run.now(`${who}/entropy`))} nats undecided, of ${short(Math.log(shares.length))}`, this.theme.colors[1]],
    ])
    const bars = { y: shares, type: "bar", marker: { color: this.theme.colors[0] }, hovertemplate: "%{y:.2%}<extra></extra>" }
    chart.draw([bars], layout, this.theme, run.id)
    chart.say(`${short(used)} of ${shares.length} ${who} in use at step ${this.at}`)
  }

  remove() {
    for (const { chart } of this.charts.values()) chart.remove()
  }
}

function plain(name) {
  return name.replace(/^[a-z]+\//, "").replaceAll("_", " ")
}

function mean(middles, shares) {
  return middles.reduce((sum, middle, i) => sum + middle * shares[i], 0)
}
