// The pictures of an evaluation: label efficiency, confusion, robustness, transfer.

import { axis } from "../plot.js"
import { percent } from "../theme.js"

const LOOKS = {
  linear: { color: 0, symbol: "circle" },
  knn_classifier: { color: 2, symbol: "square" },
  tuned: { color: 3, symbol: "diamond" },
  scratch: { color: 5, symbol: "triangle-up" },
  untrained: { color: 7, symbol: "circle-open", dash: "dash" },
  pixels: { color: 1, symbol: "x-thin-open", dash: "dash" },
}
const ORDER = Object.keys(LOOKS)
const TICKS = { blur: "sigma in pixels", noise: "noise standard deviation", jitter: "strength of the jitter", shift: "share of the side" }

export const accuracy = (share) => percent(share, 1)

/** Accuracy over shares: a line a contender, bars for what seeds and test images leave open; baselines dashed, chance dotted. */
export function drawCurve(chart, scores, titles, about, theme) {
  const rows = scores.filter((each) => each.part === "labels")
  chart.hint(rows.length ? "" : "With few labels and with all of them: what the run's features give, and what labels alone give.")
  const shares = [...new Set(rows.map((each) => each.share))].sort((a, b) => a - b)
  const labeled = new Map(rows.map((each) => [each.share, each.labeled]))
  const layout = {
    xaxis: axis(
      theme,
      about && about.labeled < about.known
        ? `labels used: 100% is ${about.labeled.toLocaleString("en-US")} of ${about.known.toLocaleString("en-US")}, others for each seed`
        : "labels used (%, number)",
      shares.length ? [Math.log10(shares[0]) - 0.12, Math.log10(shares.at(-1)) + 0.12] : [-2.1, 0.1],
      {
        type: "log",
        tickvals: shares,
        ticktext: shares.map((each) => `${accuracy(each)}<br>${labeled.get(each).toLocaleString("en-US")} labels`),
      },
    ),
    yaxis: axis(theme, "accuracy on test images", [0, 1.02], { tickformat: ".0%" }),
    shapes: about ? [chanceLine(about.chance, theme)] : [],
    margin: { l: 48, r: 14, t: 8, b: 52 },
  }
  const who = present(rows)
  legend(chart, who, titles, theme, Boolean(about))
  chart.draw(lines(who, rows, titles, "share", theme), layout, theme, "curve")
  const sentences = rows.map((each) => {
    const labels = `${accuracy(each.share)} of the labels (${each.labeled.toLocaleString("en-US")})`
    const mean = about?.uneven && each.balanced !== null ? `, mean over classes ${accuracy(each.balanced)}` : ""
    return `${titles[each.who]} with ${labels} ${accuracy(each.mean)}${mean}`
  })
  chart.say(sentences.length ? `Accuracy: ${sentences.join("; ")}` : "Test accuracy by labels used: not measured yet")
}

/** A heat map with a row a true class; shares of the row. */
export function drawConfusion(chart, found, theme) {
  const matrix = found?.confusion
  chart.hint(matrix ? "" : "The linear probe with the most labels: rows are the true classes, columns what the probe says.")
  const names = (found?.about?.names ?? []).map(escaped)
  const totals = (matrix ?? []).map((row) => row.reduce((a, b) => a + b, 0))
  const shares = (matrix ?? []).map((row, i) => row.map((count) => count / Math.max(1, totals[i])))
  const entry = (i, j) => (totals[i] < found.least ? `${matrix[i][j]} of ${totals[i]}` : accuracy(shares[i][j])) // of few images no share is given
  const trace = {
    type: "heatmap",
    z: shares,
    x: names.map((_, i) => i),
    y: names.map((_, i) => i),
    zmin: 0,
    zmax: 1,
    colorscale: "Cividis",
    showscale: false,
    xgap: 1,
    ygap: 1,
    customdata: shares.map((row, i) => row.map((_, j) => [names[i], names[j], entry(i, j)])),
    hovertemplate: "%{customdata[0]} called %{customdata[1]}: %{customdata[2]}<extra></extra>",
  }
  if (names.length <= 12)
    Object.assign(trace, {
      text: shares.map((row, i) =>
        row.map((share, j) => (share < 0.005 ? "" : totals[i] < found.least ? `${matrix[i][j]}/${totals[i]}` : Math.round(100 * share))),
      ),
      texttemplate: "%{text}",
      textfont: { size: 10 },
    })
  const few = names.length <= 24
  const ticks = {
    showticklabels: Boolean(matrix),
    tickvals: few ? names.map((_, i) => i) : [],
    ticktext: few ? names : [],
    showgrid: false,
    ticks: "",
    nticks: undefined,
    fixedrange: true,
  }
  const layout = {
    xaxis: axis(theme, "predicted by the probe", [-0.5, names.length - 0.5], { ...ticks, tickangle: -40 }),
    yaxis: axis(theme, "true class", [names.length - 0.5, -0.5], ticks),
    margin: { l: few ? 88 : 34, r: 8, t: 6, b: few ? 72 : 34 },
  }
  chart.draw(matrix ? [trace] : [], layout, theme, "confusion")
  const right = (matrix ?? []).map((row, i) => `${found.about.names[i]} ${entry(i, i)}`)
  chart.say(matrix ? `Confusion of the linear probe; known rightly: ${right.join(", ")}` : "Confusion: not measured yet")
}

/** One corruption: accuracy at rising strength, clean first. */
export function drawRobustness(chart, operator, scores, titles, about, theme) {
  const rows = scores.filter((each) => each.part === "robustness" && each.operator === operator)
  chart.hint(rows.length ? "" : "Not measured.")
  const who = present(rows)
  const most = Math.max(...rows.map((each) => each.strength), 0.1)
  const layout = {
    xaxis: axis(theme, TICKS[operator], [-0.04 * most, 1.06 * most], { showticklabels: rows.length > 0 }),
    yaxis: axis(theme, "accuracy", [0, 1.02], { tickformat: ".0%" }),
    shapes: about && rows.length ? [chanceLine(about.chance, theme)] : [],
    margin: { l: 48, r: 8, t: 6, b: 38 },
  }
  legend(chart, who, titles, theme, false)
  chart.draw(lines(who, rows, titles, "strength", theme), layout, theme, operator)
  chart.say(
    `${operator}: ${
      who
        .map(
          (name) =>
            `${titles[name]} ${rows
              .filter((each) => each.who === name)
              .map((each) => accuracy(each.mean))
              .join(", ")}`,
        )
        .join("; ") || "not measured"
    }`,
  )
}

/** Bars: frozen features on another dataset. */
export function drawTransfer(chart, scores, titles, theme) {
  const rows = scores.filter((each) => each.part === "transfer")
  const bars = rows.filter((each) => each.who !== "chance").sort((a, b) => ORDER.indexOf(a.who) - ORDER.indexOf(b.who))
  const chance = rows.find((each) => each.who === "chance")
  const trace = {
    type: "bar",
    orientation: "h",
    y: bars.map((each) => titles[each.who]),
    x: bars.map((each) => each.mean),
    marker: { color: bars.map((each) => theme.colors[LOOKS[each.who].color]) },
    error_x: spread(bars, theme.text),
    width: 0.6,
    text: bars.map((each) => ` ${accuracy(each.mean)}`),
    textposition: "inside",
    insidetextanchor: "start",
    hovertemplate: "%{y}: %{x:.1%}<extra></extra>",
  }
  const shapes = chance
    ? [{ ...chanceLine(chance.mean, theme), x0: chance.mean, x1: chance.mean, xref: "x", y0: 0, y1: 1, yref: "paper" }]
    : []
  const layout = {
    xaxis: axis(theme, `accuracy on ${escaped(rows[0]?.data ?? "")}, by a linear probe on frozen features`, [0, 1.02], {
      tickformat: ".0%",
    }),
    yaxis: axis(theme, "", null, { autorange: "reversed", range: undefined, ticks: "" }),
    shapes,
    margin: { l: 168, r: 10, t: 6, b: 38 },
  }
  chart.draw(rows.length ? [trace] : [], layout, theme, "transfer")
  chart.say(`Transfer to ${rows[0]?.data}: ${rows.map((each) => `${titles[each.who] ?? each.who} ${accuracy(each.mean)}`).join(", ")}`)
}

function present(rows) {
  return ORDER.filter((name) => rows.some((each) => each.who === name))
}

/** A line a contender over `x`, "share" or "strength". */
function lines(who, rows, titles, x, theme) {
  return who.map((name) => {
    const mine = rows.filter((each) => each.who === name)
    return line(name, titles[name], mine, x, theme)
  })
}
function line(name, title, rows, along, theme) {
  const look = LOOKS[name]
  const sorted = [...rows].sort((a, b) => a[along] - b[along])
  const color = theme.colors[look.color]
  return {
    type: "scatter",
    mode: "lines+markers",
    name: title,
    x: sorted.map((each) => each[along]),
    y: sorted.map((each) => each.mean),
    line: { color, width: 2, dash: look.dash },
    marker: { color, size: 8, symbol: look.symbol, line: { color, width: 1.5 } },
    error_y: spread(sorted, color),
    customdata: sorted.map((each) => [each.labeled, each.low, each.high, each.lowest, each.highest, classes(each)]),
    hovertemplate:
      `${title}<br>%{y:.1%}, bar %{customdata[1]:.1%} to %{customdata[2]:.1%}<br>` +
      "seeds alone %{customdata[3]:.1%} to %{customdata[4]:.1%}%{customdata[5]}<br>%{customdata[0]:,} labels<extra></extra>",
  }
}

function classes(score) {
  return score.balanced === null ? "" : `<br>mean over classes ${accuracy(score.balanced)}`
}

/** What seeds and so many test images leave open; the server says how far (intervals.py). */
function spread(rows, color) {
  return {
    type: "data",
    symmetric: false,
    array: rows.map((each) => each.high - each.mean),
    arrayminus: rows.map((each) => each.mean - each.low),
    color,
    thickness: 1.4,
    width: 4,
  }
}

/** A dotted line: who always names the commonest label. */
export function chanceLine(value, theme) {
  return { type: "line", xref: "paper", x0: 0, x1: 1, y0: value, y1: value, line: { color: theme.muted, width: 1.4, dash: "dot" } }
}

function legend(chart, who, titles, theme, chance) {
  const chips = who.map((name) => [titles[name], theme.colors[LOOKS[name].color], LOOKS[name].dash ? "dash" : ""])
  if (chance && who.length) chips.push(["chance", theme.muted, "dots"])
  chart.legend(chips)
}

/** Names may be anybody's; Plotly would read tags in them. */
export function escaped(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}
