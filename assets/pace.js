// How fast a run goes, from when its entries were written, and how long the rest takes. No page in here, and no clock.

const TOGETHER = 0.05 // seconds: entries so near each other were written at once
const RECENT = 12 // seconds of training that the pace is taken from, and at least
const FEWEST = 8 // stretches of it, so that one long wait does not stand alone; but
const NEWEST = 1 / 3 // of all stretches at most, since the first seconds are often slower, and
const FIRST = 6 // of the first ones
const ENOUGH = 0.8 // seconds of training before a time is given
const LATEST = 5 // measurements that the cost of the next is taken from

export class Pace {
  /** @type {{ seconds: number, steps: number }[]} entries that came together, oldest first */
  stretches = []
  /** @type {number[]} seconds of each measurement */
  measurings = []
  cold = true // the first step has to make ready what the others only use
  /** @type {{ time: number, step: number } | null} the last entry; null where the time until the next is nobody's work */
  last = null
  /** @type {number | null} the step that was measured last */
  seen = null

  /** The run begins, or goes on from a checkpoint: what was before does not tell how fast it goes now. */
  begin() {
    this.stretches = []
    this.measurings = []
    this.cold = true
    this.last = this.seen = null
  }

  /** It waits: the time until the next entry is nobody's work. */
  wait() {
    this.last = null
  }

  /** Step number `step` is done, at `time` in seconds. */
  trained(time, step) {
    const { last, cold } = this
    this.last = { time, step }
    this.cold = false
    if (!last || cold || step <= last.step) return
    const before = this.stretches.at(-1)
    if (before && time - last.time < TOGETHER) {
      before.seconds += time - last.time
      before.steps += step - last.step
    } else this.stretches.push({ seconds: time - last.time, steps: step - last.step })
  }

  /** A measurement after step number `step` is done. */
  measured(time, step) {
    if (this.last) this.measurings.push(time - this.last.time)
    this.last = { time, step: this.last?.step ?? step }
    this.seen = step
  }

  /**
   * Seconds to the end, from `step` and `since` seconds after its entry; null while it cannot be known.
   * planned: { at, share, after }, the measurements, see `Cadence.planned`.
   */
  left(step, steps, planned, since = 0) {
    if (total(this.stretches) < ENOUGH) return null
    const recent = this.recent()
    const training = middle(recent) * (steps - step)
    const ahead = (planned?.at ?? []).filter((at) => at > step || (at === step && this.seen !== step))
    const dense = ahead.filter((at) => at <= planned.after).length
    const each = median(this.measurings.slice(-LATEST))
    const most = planned?.share ? Math.max(planned.share * training, each) : Infinity // the plan is thinned until it fits; its last stays
    // Of what is under way: the next step, also where a measurement was planned, for that may have been thinned out.
    const begun = Math.min(since, Math.max(middle(recent), ahead[0] === step ? each : 0))
    return training + dense * each + Math.min((ahead.length - dense) * each, most) - begun
  }

  /** The longest that the page has lately waited for news, in seconds; null where there was nothing yet. */
  longest() {
    const waits = [...this.recent().map((each) => each.seconds), ...this.measurings.slice(-LATEST)]
    return waits.length ? Math.max(...waits) : null
  }

  recent() {
    const most = Math.max(NEWEST * this.stretches.length, FIRST)
    let [from, count] = [this.stretches.length, 0]
    for (let seconds = 0; from > 0 && count < most && (seconds < RECENT || count < FEWEST); count += 1) {
      from -= 1
      seconds += this.stretches[from].seconds
    }
    return this.stretches.slice(from)
  }
}

function total(stretches) {
  return stretches.reduce((sum, each) => sum + each.seconds, 0)
}

/** Seconds a step over the middle half of the steps, by how long they took: one long wait, or a burst, does not count. */
function middle(stretches) {
  const sorted = [...stretches].sort((a, b) => a.seconds / a.steps - b.seconds / b.steps)
  const steps = sorted.reduce((sum, each) => sum + each.steps, 0)
  let [passed, seconds] = [0, 0]
  for (const each of sorted) {
    const within = Math.min(passed + each.steps, 0.75 * steps) - Math.max(passed, 0.25 * steps)
    seconds += Math.max(within, 0) * (each.seconds / each.steps)
    passed += each.steps
  }
  return seconds / (0.5 * steps)
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return sorted.length ? (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2 : 0
}
