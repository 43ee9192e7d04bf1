// The spectrum of features as every page draws it: singular values, largest first, as shares of the largest, on a log scale.

import { axis } from "./plot.js"

const FLOOR = 1e-6 // zero has no place on a log scale

/** One curve. values: (D,), largest first; line: color, width and dash. */
export function spectrumCurve(values, name, line) {
  const top = values[0] || 1
  return {
    y: Array.from(values, (value) => Math.max(value / top, FLOOR)),
    name,
    type: "scatter",
    mode: "lines",
    line,
    hovertemplate: `${name}, dimension %{x}: %{y:.3g}<extra></extra>`,
  }
}

/** Its axes, for curves of at most `size` dimensions; label: what stands at the vertical one. */
export function spectrumAxes(theme, size, label = "share of the largest") {
  return {
    xaxis: axis(theme, "dimension, largest first", [0, size]),
    yaxis: axis(theme, label, [-4, 0.1], { type: "log", dtick: 1, exponentformat: "power" }),
    margin: { l: 50, r: 10, t: 6, b: 36 },
  }
}

/** The spectra that a snapshot holds, as [layer, values]. */
export function spectraOf(arrays) {
  const found = { backbone: arrays?.spectrum, projector: arrays?.["spectrum/projector"] }
  return Object.entries(found).filter(([, values]) => values?.length)
}
