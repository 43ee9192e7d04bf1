// Two runs at once, under one clock: a healthy one and a broken one.

import { watch } from "./stream.js"

export const SIDES = ["healthy", "broken"]

/** Whether nothing more will come of a run. */
export function isOver(run) {
  return Boolean(run?.error || run?.status?.over)
}

/** Follows the runs `data.healthy` and `data.broken`, and calls `changed()` at any news of either. */
export class RunPair {
  ready = false // whether it follows; not for what is known already while it begins to

  constructor(changed) {
    this.changed = changed
    this.ids = {}
    this.runs = {}
    this.leave = {}
  }

  follow(data) {
    for (const side of SIDES) {
      const id = data[side] ?? null
      if (this.ids[side] === id) continue
      this.ids[side] = id
      this.leave[side]?.()
      delete this.runs[side]
      this.leave[side] = id ? watch(id, (run) => this.take(side, run)) : undefined
    }
    this.ready = true
  }

  take(side, run) {
    this.runs[side] = run
    if (this.ready) this.changed()
  }

  /** [side, run] of those that are there. */
  get both() {
    return SIDES.map((side) => [side, this.runs[side]]).filter(([, run]) => run && !run.error)
  }

  get steps() {
    return Math.max(...this.both.map(([, run]) => run.steps), 1)
  }

  /** The step that both have reached; one that has ended early holds nobody back. */
  get clock() {
    const going = this.both.filter(([, run]) => !isOver(run)).map(([, run]) => run.step)
    return going.length ? Math.min(...going) : Math.max(...this.both.map(([, run]) => run.step), 0)
  }

  remove() {
    for (const side of SIDES) this.leave[side]?.()
  }
}

/** The color of each side, distinguished by every eye. */
export function sideColors(theme) {
  return { healthy: theme.backbone, broken: theme.warn }
}
