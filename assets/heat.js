// Numbers as colors: Viridis (van der Walt and Smith, 2015), which gets lighter evenly and is read the same by color-blind eyes.

import { make, penOf } from "./theme.js"

const STOPS = ["440154", "482475", "414487", "355f8d", "2a788e", "21918c", "22a884", "44bf70", "7ad151", "bddf26", "fde725"].map((hex) =>
  [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)),
)

/** 0 ... 1 -> [r, g, b]. */
export function color(share) {
  const at = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1)
  const low = Math.min(Math.floor(at), STOPS.length - 2)
  return STOPS[low].map((from, i) => Math.round(from + (STOPS[low + 1][i] - from) * (at - low)))
}

/** Paints one value a patch; null leaves the patch empty. */
export function paintHeat(canvas, values, top) {
  const grid = Math.round(Math.sqrt(values.length))
  canvas.width = canvas.height = grid
  const pixels = new ImageData(grid, grid)
  values.forEach((value, i) => value !== null && pixels.data.set([...color(top > 0 ? value / top : 0), 255], 4 * i))
  penOf(canvas).putImageData(pixels, 0, 0)
}

/** The least round number that no value exceeds: a scale in round numbers does not jump with every stroke. */
export function roundTop(values) {
  const most = Math.max(...values.filter((value) => value !== null), 1e-9)
  const power = 10 ** Math.floor(Math.log10(most))
  return power * ([1, 2, 5, 10].find((nice) => nice * power >= most * 0.9999) ?? 10)
}

/** The scale below a heat map: 0 to `top`. */
export class Scale {
  constructor(name) {
    const stops = STOPS.map((each) => `rgb(${each.join()})`).join()
    const bar = make("span.ssl-spectrum")
    bar.style.background = `linear-gradient(to right, ${stops})`
    this.top = make("span")
    this.element = make("div.ssl-scale", make("span", "0"), bar, this.top)
    this.element.title = name
  }

  show(top) {
    this.top.textContent = top < 0.001 ? top.toExponential(0) : String(+top.toPrecision(2))
  }
}
