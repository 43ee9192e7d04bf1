// The pictures of the geometry of a representation: data in, { traces, layout, text } out, where the text says the same in words.

import { rowsOf } from "../arrays.js"
import { axis } from "../plot.js"
import { spectrumAxes, spectrumCurve } from "../spectrum.js"
import { short } from "../theme.js"

const BINS = 50
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
export const NOTHING = { traces: [], layout: { xaxis: { visible: false }, yaxis: { visible: false } }, text: "" }

/** How many directions the features use, beside the first step. */
export function spectrumPicture({ spectrum, step, first, layer, constant }, theme) {
  if (constant) return { ...NOTHING, text: "Nothing varies." }
  const strong = (values) => values.filter((value) => value > (values[0] || 1) / 10).length
  const traces = [
    spectrumCurve(spectrum.first, `step ${first}`, { color: theme.muted, width: 1.2, dash: "dot" }),
    spectrumCurve(spectrum.now, `step ${step}`, { color: theme[layer], width: 2 }),
  ]
  const now = `${strong(spectrum.now)} of ${spectrum.now.length} directions have more than a tenth of the largest spread`
  const text = `${now}; at step ${first} it was ${strong(spectrum.first)}. Dotted: step ${first}.`
  return { traces, layout: spectrumAxes(theme, spectrum.now.length), text }
}

/** Which dimensions go together. */
export function correlationPicture({ correlation, measures, size }, theme) {
  const z = rowsOf(correlation)
  const trace = {
    type: "heatmap",
    z,
    zmin: -1,
    zmax: 1,
    colorscale: theme.dark ? DARK_RED_BLUE : RED_BLUE,
    colorbar: bar(theme, [-1, 0, 1]),
    hovertemplate: "%{x} and %{y}: %{z:.2f}<extra></extra>",
  }
  const bare = { showticklabels: false, ticks: "" }
  const shown = z.length < size ? `, ${z.length} of ${size} shown` : ""
  const across = axis(theme, `dimensions, those that go together side by side${shown}`, null, { autorange: true, ...bare })
  const down = axis(theme, "dimensions, in the same order", null, { autorange: "reversed", ...bare })
  const mean = measures.find((each) => each.name === "redundancy")
  const average = `On average two dimensions correlate by ${short(mean?.value)} in size; at step 0 by ${short(mean?.before)}.`
  return { traces: [trace], layout: square(across, down), text: `${average} Blue: together; red: one against the other.` }
}

/** The cosines of two views of one image, and of views of different images. */
export function cosinePicture({ before, histograms, first }, theme) {
  const x = Array.from({ length: BINS }, (_, i) => -1 + (2 * (i + 0.5)) / BINS)
  const curve = (y, name, line, more = {}) => ({
    x,
    y,
    name,
    type: "scatter",
    mode: "lines",
    line: { shape: "hvh", ...line },
    hovertemplate: `${name}: %{y:.1%} near %{x:.2f}<extra></extra>`,
    ...more,
  })
  const faint = (kind, dash) => curve(before[kind], `${kind} pairs, step ${first}`, { color: theme.muted, width: 1, dash })
  const filled = (kind, name, color) => curve(histograms[kind], name, { color, width: 2 }, { fill: "tozeroy" })
  const [own, other] = theme.colors
  const traces = [faint("negative", "dash"), faint("positive", "dot")]
  traces.push(filled("negative", "different images", other), filled("positive", "one image", own))
  const layout = {
    xaxis: axis(theme, "cosine", [-1, 1]),
    yaxis: axis(theme, "share of pairs", null, { autorange: true, rangemode: "tozero", tickformat: ".0%" }),
  }
  const mean = (values) => short(values.reduce((sum, share, i) => sum + share * x[i], 0))
  const now = `Two views of one image have a cosine of ${mean(histograms.positive)} on average, of different images ${mean(histograms.negative)}`
  const text = `${now}; at step ${first} it was ${mean(before.positive)} and ${mean(before.negative)}.`
  const legend = [
    ["one image", own],
    ["different images", other],
    [`step ${first}`, theme.muted],
  ]
  return { traces, layout, text, legend }
}

/** How alike the layer is to itself at other steps. */
export function stepsPicture({ steps, matrix, step }, theme) {
  const rows = rowsOf(matrix)
  const near = steps.reduce((best, each, i) => (Math.abs(each - step) < Math.abs(steps[best] - step) ? i : best), 0)
  const names = steps.map(String)
  const first = `Step ${steps[near]} is alike to step ${steps[0]} by ${short(rows[near][0])}`
  const last = `to step ${steps.at(-1)} by ${short(rows[near].at(-1))}; 1 is the same up to rotation and scale.`
  return {
    ...cells(rows, names, names, "step", "step", theme),
    text: steps.length < 2 ? "There is one snapshot so far." : `${first}, and ${last}`,
  }
}

/** How much the projector keeps of the backbone. */
export function layersPicture({ layers, step }, theme) {
  const rows = rowsOf(layers.matrix)
  const at = (layer) => layers.names.indexOf(`${layer} ${step}`)
  const names = layers.names.map((name) => name.replace(" ", "<br>step "))
  const alike = rows[at("backbone")]?.[at("projector")]
  const text =
    alike === undefined
      ? "This run has one layer to show: the backbone."
      : `At step ${step} projector and backbone are alike by ${short(alike)}.`
  return { ...cells(rows, names, names, "", "", theme), text }
}

/** Whether two runs have come to the same. */
export function otherPicture(other, steps, theme) {
  const rows = rowsOf(other.matrix)
  const ends = `At the end both are alike by ${short(rows.at(-1)?.at(-1))}, at the start by ${short(rows[0][0])}`
  return {
    ...cells(rows, other.steps.map(String), steps.map(String), `step of ${other.run}`, "step", theme),
    text: `${ends}; on ${other.images.toLocaleString("en-US")} common images.`,
  }
}

/** A heat map from 0 to 1 with words on both axes. */
function cells(z, x, y, across, down, theme) {
  const trace = {
    type: "heatmap",
    z,
    x,
    y,
    zmin: 0,
    zmax: 1,
    colorscale: "Viridis",
    colorbar: bar(theme, [0, 0.5, 1]),
    hovertemplate: `${down} %{y}, ${across} %{x}: %{z:.2f}<extra></extra>`,
  }
  const words = { type: "category", autorange: true, ticks: "", nticks: 8, tickangle: 0 }
  return {
    traces: [trace],
    layout: square(axis(theme, across, null, words), axis(theme, down, null, { ...words, autorange: "reversed" })),
  }
}

function square(xaxis, yaxis) {
  return {
    xaxis: { ...xaxis, automargin: true, constrain: "domain" },
    yaxis: { ...yaxis, automargin: true, scaleanchor: "x", constrain: "domain" },
    margin: { l: 12, r: 8, t: 6, b: 12 },
  }
}

function bar(theme, tickvals) {
  return { thickness: 8, len: 0.9, outlinewidth: 0, tickvals, tickfont: { size: 10, color: theme.muted } }
}
