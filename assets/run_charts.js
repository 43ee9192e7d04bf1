// What charts over the steps of a run are made of: curves, levels, marks where a knob was moved, and words for each line.

import { axis } from "./plot.js"
import { factorOf } from "./metrics.js"
import { make, plainName, setText, short } from "./theme.js"

const MOST = 1500 // points of one curve that are drawn: more cannot be distinguished

/** A dashed line across the chart, with what it means. */
export function reference(marks, each, theme) {
  marks.shapes.push({
    type: "line",
    xref: "paper",
    x0: 0,
    x1: 1,
    y0: each.value,
    y1: each.value,
    line: { color: theme.muted, width: 1.2, dash: "dash" },
  })
  marks.annotations.push({
    xref: "paper",
    x: 1,
    xanchor: "right",
    y: each.value,
    yanchor: "bottom",
    text: each.meaning,
    showarrow: false,
    font: { size: 10, color: theme.muted },
    borderpad: 1,
  })
}

/** What each line is, and its value now; where it is alone its name stands in the title. */
export function legend(chart, run, names, theme, alone = false) {
  const known = names.filter((name) => run?.metrics.has(name))
  while (chart.chips.children.length > known.length) chart.chips.lastChild.remove()
  known.forEach((name, i) => {
    const chip = chart.chips.children[i] ?? chart.chips.appendChild(make("span.ssl-chip"))
    chip.style.setProperty("--color", name === "loss" ? theme.text : theme.colors[i % 8])
    setText(chip, `${alone ? "now" : plainName(name.slice(name.indexOf("/") + 1))} ${short(run.now(name))}`)
  })
}

/** Scheduled knobs over the curve: each from its start to its end, on a scale of its own, until a hand moved it. */
export function schedules(run, theme, marks) {
  return (run?.facts.schedules ?? []).map(({ name, shape, start, end }, i) => {
    const taken = run.changes.find((change) => change.name === name)?.step ?? run.steps
    const x = Array.from({ length: 61 }, (_, at) => 1 + ((run.steps - 1) * at) / 60).filter((step) => step <= taken)
    const way = x
      .map((step) => (step - 1) / Math.max(run.steps - 1, 1))
      .map((p) => (shape === "linear" ? p : (1 - Math.cos(Math.PI * p)) / 2))
    const color = theme.colors[(i + 4) % 8]
    const y = way.map((share) => (end === start ? 0.5 : 0.1 + 0.8 * (end > start ? share : 1 - share)))
    marks.annotations.push({
      x: 0.01,
      xref: "paper",
      xanchor: "left",
      y: y[0],
      yref: "y2",
      yshift: i % 2 ? -9 : 9,
      showarrow: false,
      bgcolor: theme.background,
      opacity: 0.9,
      text: `${plainName(name)} ${+start.toPrecision(3)} → ${+end.toPrecision(3)}`,
      font: { size: 10, color },
      borderpad: 1,
    })
    const value = (share) => start + (end - start) * share
    return {
      x,
      y,
      yaxis: "y2",
      type: "scatter",
      mode: "lines",
      line: { color, width: 1.4, dash: "dashdot" },
      customdata: way.map(value),
      hovertemplate: `${plainName(name)} %{customdata:.3g}<br>step %{x:.0f}<extra></extra>`,
      name: plainName(name),
    }
  })
}

/** The axis of all charts over the steps of a run. */
export function steps(run, theme) {
  return axis(theme, "step", [0, run?.steps ?? 1], { showticklabels: Boolean(run?.status) })
}

/** The curve of one metric. */
export function line(series, name, color, width) {
  const { steps: x, values: y } = thinned(series)
  return {
    x,
    y,
    name,
    type: "scatter",
    mode: x.length > 1 ? "lines" : "markers",
    line: { color, width },
    marker: { color, size: 5 },
    hovertemplate: `${name} %{y:.3f}<br>step %{x}<extra></extra>`,
  }
}

/** Every n-th point of a long curve, and always its last. */
function thinned(series) {
  const every = Math.ceil(series.steps.length / MOST)
  if (every === 1) return { steps: series.steps.slice(), values: series.values.slice() }
  const keep = (_, i) => i % every === 0 || i === series.steps.length - 1
  return { steps: series.steps.filter(keep), values: series.values.filter(keep) }
}

/** A line across the chart at what somebody else reaches: a random network, raw pixels, chance. */
export function level(run, key, metric, color, dash, meaning) {
  const value = run.baseline[key]?.[metric]
  if (value === undefined) return null
  return {
    x: [0, run.steps],
    y: [value, value],
    type: "scatter",
    mode: "lines",
    line: { color, width: 1.2, dash },
    opacity: 0.75,
    name: meaning,
    hovertemplate: `${meaning}: ${plainName(factorOf(metric))} ${short(value)}<extra></extra>`,
  }
}

/** Marks where live knobs were moved: a line each, labeled on the first chart only. */
export function changeMarks(run, theme, labeled) {
  const shapes = run.changes.map((change) => ({
    type: "line",
    x0: change.step,
    x1: change.step,
    y0: 0,
    y1: 1,
    yref: "paper",
    name: "change",
    line: { color: theme.warn, width: 1, dash: "dot" },
  }))
  const annotations = labeled
    ? folded(run.changes).map((change, i) => ({
        x: change.step,
        y: 1,
        yref: "paper",
        yanchor: "top",
        xanchor: change.step > run.steps * 0.7 ? "right" : "left",
        yshift: -13 * (i % 3),
        text: `${plainName(change.name)} ${+(+change.value).toPrecision(4)}`,
        showarrow: false,
        font: { size: 10, color: theme.warn },
        bgcolor: theme.background,
        opacity: 0.9,
        borderpad: 1,
      }))
    : []
  return { shapes, annotations }
}

/** A knob dragged through many values in a few steps gets one label, with the value it came to rest at. */
function folded(changes) {
  return changes.filter((change, i) => changes[i + 1]?.name !== change.name || changes[i + 1].step > change.step + 3).slice(-6)
}
