// What is known of one run, from its events.

import { addressOf, getJson } from "./api.js"
import { decode } from "./arrays.js"
import { Pace } from "./pace.js"
import * as recorded from "./recorded.js"

/** Everything known of one run. Panels read it; only this file writes it. */
export class Run {
  /** @type {any} what the run says of itself as it begins */
  facts = {}
  /** @type {any} what it downloads or decodes, and how far; null while it does neither */
  fetching = null
  /** @type {Map<string, { steps: number[], values: number[] }>} by the name of the metric */
  metrics = new Map()
  /** @type {Record<string, Record<string, number>>} who -> metric -> value, as of the random network */
  baseline = {}
  /** @type {{ step: number, name: string, value: number }[]} live knobs that were moved */
  changes = []
  begun = 0 // how often it began or went on: what was drawn of forgotten steps no longer holds
  /** @type {any} the newest of the judge */
  verdict = null
  /** @type {{ step: number, state: string }[]} oldest first */
  verdicts = []
  /** @type {Map<number, string[]>} step -> names of what its snapshot holds */
  snapshots = new Map()
  /** @type {Set<number>} steps whose UMAP is ready */
  layouts = new Set()
  /** @type {Map<number, Promise<any>>} step -> the arrays of its snapshot */
  frames = new Map()
  /** @type {Promise<any> | null} what does not change: settings, the probe set */
  about = null
  pace = new Pace()
  /** @type {number | null} when the last numbers came, by this page's clock */
  lastNews = null
  remark = "" // what was lost of its files, and what is done about it
  /** @type {Set<(run: Run) => void>} */
  watchers = new Set()
  last = 0 // number of the newest event
  online = false
  error = ""
  /** @type {any} */
  status = null

  /** @param {string} id */
  constructor(id) {
    this.id = id
  }

  /** Nothing is known of it any more, but who watches it. */
  clear() {
    const { id, watchers, last, online, error, status } = this
    Object.assign(this, new Run(id), { watchers, last, online, error, status })
  }

  /** The last value of a metric, or undefined. */
  now(name) {
    return this.metrics.get(name)?.values.at(-1)
  }

  /** The run's settings and its probe set: labels, names, how to find an image in the atlas. */
  details() {
    this.about ??= (this.recorded ? recorded.about(this.id) : getJson(`runs/${this.id}`))
      .then((found) => (found.probe ? found : Promise.reject(new Error("no probe set yet"))))
      .catch((error) => {
        this.about = null
        throw error
      })
    return this.about
  }

  /** The arrays of one snapshot: pca, umap where it is ready, spectra. */
  frame(step) {
    const known = this.frames.get(step)
    if (known) return known
    const loading = (this.recorded ? recorded.frame(this.id, step) : getJson(`runs/${this.id}/snapshots/${step}`)).then(decode)
    loading.catch(() => this.frames.delete(step))
    this.frames.set(step, loading)
    return loading
  }

  address(path) {
    return this.recorded ? recorded.place(this.id, path) : addressOf(`runs/${this.id}/${path}`)
  }

  get recorded() {
    return recorded.isRecorded(this.id)
  }

  get steps() {
    return this.facts.steps ?? this.status?.steps ?? 1
  }

  get step() {
    return Math.max(this.status?.step ?? 0, this.metrics.get("loss")?.steps.at(-1) ?? 0)
  }

  /** How many live knobs were moved: while it trained, and since it waits. */
  get moved() {
    return this.changes.length + (this.status?.waiting ?? 0)
  }

  /** One event: [number, kind, step, seconds, body]. */
  take([id, kind, step, time, body]) {
    if (id <= this.last) return
    this.last = id
    const take = TAKES[kind]
    if (take) take(this, step, body, time)
  }
}

/** What each kind of event does to what is known. */
const TAKES = {
  started(run, step, facts) {
    run.facts = facts
    run.fetching = null
    forgetAfter(run, step)
  },
  fetching(run, step, body) {
    run.fetching = body
  },
  metrics(run, step, values, time) {
    run.fetching = null
    for (const [name, value] of Object.entries(values)) {
      const series = run.metrics.get(name) ?? { steps: [], values: [] }
      run.metrics.set(name, series)
      if (series.steps.at(-1) === step) dropLast(series)
      series.steps.push(step)
      series.values.push(value)
    }
    if ("loss" in values) run.pace.trained(time, step)
    else run.pace.measured(time, step)
    run.lastNews = performance.now()
  },
  baseline(run, step, values) {
    run.baseline = { ...run.baseline, ...values }
  },
  snapshot(run, step, names) {
    run.snapshots.set(step, names)
    run.frames.delete(step)
  },
  layout(run, step) {
    run.layouts.add(step)
    run.frames.delete(step)
  },
  change(run, step, body) {
    run.changes.push({ step, ...body })
  },
  verdict(run, step, body) {
    run.verdict = { step, ...body }
    run.verdicts = [...run.verdicts.filter((each) => each.step < step), { step, state: body.state }]
  },
  remark(run, step, body) {
    run.remark = body.sentence
  },
  paused(run) {
    run.pace.wait()
  },
  finished(run) {
    run.pace.wait()
  },
}

function dropLast(series) {
  series.steps.pop()
  series.values.pop()
}

/** A run that goes on from a checkpoint says so; what was seen of later steps no longer holds. */
function forgetAfter(run, step) {
  run.begun += 1
  for (const series of run.metrics.values()) {
    while (series.steps.length && series.steps[series.steps.length - 1] > step) dropLast(series)
  }
  run.changes = run.changes.filter((change) => change.step <= step)
  run.verdicts = run.verdicts.filter((each) => each.step <= step)
  if (run.verdict?.step > step) run.verdict = null
  for (const each of [run.snapshots, run.frames, run.layouts]) {
    for (const late of [...each.keys()].filter((at) => at > step)) each.delete(late)
  }
  run.pace.begin()
}
