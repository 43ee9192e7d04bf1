// Ranges of axes.

/** The title of a vertical axis; none beside the long numbers of a loss that ran away, which need its room. */
export function titleOf(range, title) {
  return range?.[1] >= 1e5 ? "" : title
}

/** A range that only grows, in round numbers: the picture does not jump with every point. It begins anew when the run does. */
export class Range {
  /** @type {number | undefined} lowest and highest value so far, before rounding */
  rawLow = undefined
  /** @type {number | undefined} */
  rawHigh = undefined
  begun = 0 // how often the run had begun, or gone on, when this range did

  constructor() {
    this.low = Infinity
    this.high = -Infinity
  }

  cover(values, begun = 0) {
    if (this.begun !== begun) Object.assign(this, { begun, low: Infinity, high: -Infinity, rawLow: undefined, rawHigh: undefined })
    for (const value of values) {
      if (value === null || !Number.isFinite(value)) continue
      if (value < this.low || value > this.high) this.grow(value)
    }
    return this.low <= this.high ? [this.low, this.high] : [0, 1]
  }

  grow(value) {
    const low = Math.min(this.rawLow ?? value, value)
    const high = Math.max(this.rawHigh ?? value, value)
    this.rawLow = low
    this.rawHigh = high
    const rough = (high - low || Math.abs(high) || 1) / 5
    const power = 10 ** Math.floor(Math.log10(rough))
    const step = power * ([1, 2, 5, 10].find((nice) => nice * power >= rough) ?? 10)
    this.low = Math.floor(low / step) * step
    this.high = Math.ceil(high / step) * step
    if (this.low === this.high) this.high += step
  }
}
