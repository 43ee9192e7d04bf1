// One WebSocket a page, shared by all its panels: what a run says, kept in one place, and told on to whoever watches.

import { Pace } from "./pace.js"
import * as recorded from "./recorded.js"

const API = new URL("../api/", import.meta.url)
const runs = new Map()
let socket = null
let attempts = 0
let timer = 0

/** Everything known of one run. Panels read it; only this file writes it. */
class Run {
  constructor(id) {
    this.id = id
    this.watchers = new Set()
    this.last = 0
    this.online = false
    this.error = ""
    this.status = null
    this.clear()
  }

  clear() {
    this.facts = {}
    this.fetching = null
    this.metrics = new Map() // name -> { steps, values }
    this.baseline = {}
    this.changes = []
    this.begun = 0 // how often it began or went on: what was drawn of forgotten steps no longer holds
    this.verdict = null
    this.verdicts = [] // { step, state }, oldest first
    this.snapshots = new Map() // step -> names of what it holds
    this.layouts = new Set() // steps whose UMAP is ready
    this.frames = new Map() // step -> promise of the snapshot's arrays
    this.about = null // promise of what does not change: settings, the probe set
    this.pace = new Pace()
    this.heard = null // when the last numbers came, by this page's clock
    this.remark = "" // what was lost of its files, and what is done about it
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
    if (!this.frames.has(step)) {
      const loading = (this.recorded ? recorded.frame(this.id, step) : getJson(`runs/${this.id}/snapshots/${step}`)).then(decode)
      loading.catch(() => this.frames.delete(step))
      this.frames.set(step, loading)
    }
    return this.frames.get(step)
  }

  address(path) {
    return this.recorded ? recorded.place(this.id, path) : new URL(`runs/${this.id}/${path}`, API).href
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

  take([id, kind, step, time, body]) {
    if (id <= this.last) return
    this.last = id
    const take = TAKES[kind]
    if (take) take(this, step, body, time)
  }
}

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
      let series = run.metrics.get(name)
      if (!series) run.metrics.set(name, (series = { steps: [], values: [] }))
      if (series.steps.at(-1) === step) (series.steps.pop(), series.values.pop())
      series.steps.push(step)
      series.values.push(value)
    }
    "loss" in values ? run.pace.trained(time, step) : run.pace.measured(time, step)
    run.heard = performance.now()
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

/** A run that goes on from a checkpoint says so; what was seen of later steps no longer holds. */
function forgetAfter(run, step) {
  run.begun += 1
  for (const series of run.metrics.values()) {
    while (series.steps.length && series.steps.at(-1) > step) (series.steps.pop(), series.values.pop())
  }
  run.changes = run.changes.filter((change) => change.step <= step)
  run.verdicts = run.verdicts.filter((each) => each.step <= step)
  if (run.verdict?.step > step) run.verdict = null
  for (const late of [...run.snapshots.keys()].filter((each) => each > step)) (run.snapshots.delete(late), run.frames.delete(late))
  for (const late of [...run.layouts].filter((each) => each > step)) run.layouts.delete(late)
  run.pace.begin()
}

/** Calls `listener(run)` whenever something about the run `id` is new. Returns a function that ends it. */
export function watch(id, listener) {
  let run = runs.get(id)
  if (!run) {
    runs.set(id, (run = new Run(id)))
    if (run.recorded)
      recorded.play(run, tell).catch((error) => {
        run.error = error.message
      })
    else send({ watch: id, after: 0 })
  }
  run.watchers.add(listener)
  if (!run.recorded) connect()
  listener(run)
  return () => {
    run.watchers.delete(listener)
    // Another panel may take the run over within the same moment, as when all of them turn to a new run.
    setTimeout(() => {
      if (run.watchers.size || runs.get(id) !== run) return
      runs.delete(id)
      if (!run.recorded) send({ unwatch: id })
    }, 2000)
  }
}

function connect() {
  if (socket && socket.readyState <= WebSocket.OPEN) return
  clearTimeout(timer)
  const address = new URL("ws", API)
  address.protocol = address.protocol.replace("http", "ws")
  socket = new WebSocket(address)
  socket.onopen = () => {
    attempts = 0
    for (const run of live()) {
      run.online = true
      send({ watch: run.id, after: run.last })
    }
    tell(live())
  }
  socket.onmessage = (message) => receive(JSON.parse(message.data))
  socket.onclose = () => {
    for (const run of live()) run.online = false
    tell(live())
    if (!live().length) return
    attempts += 1
    timer = setTimeout(connect, Math.min(250 * 2 ** attempts, 5000) * (0.7 + 0.6 * Math.random()))
  }
}

function live() {
  return [...runs.values()].filter((run) => !run.recorded)
}

addEventListener("online", () => live().length && connect())

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}

function receive(message) {
  const run = runs.get(message.run)
  if (!run) return
  run.online = true
  if (message.error) run.error = message.error
  if (message.status) {
    run.status = message.status
    run.error = ""
  }
  for (const event of message.events ?? []) run.take(event)
  tell([run])
}

const news = new Set()
let telling = 0

/** Panels hear of news together, at most four times a second; a timer, since hidden tabs draw no frames. */
function tell(about) {
  for (const run of about) news.add(run)
  telling ||= setTimeout(() => {
    telling = 0
    const all = [...news]
    news.clear()
    for (const run of all) for (const listener of [...run.watchers]) listener(run)
  }, 250)
}

async function getJson(path) {
  const answer = await fetch(new URL(path, API))
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return answer.json()
}

/** Arrays come as lists or as { dtype: "float32", shape, data: base64 }. */
function decode(body) {
  const arrays = {}
  for (const [name, value] of Object.entries(body.arrays ?? body)) {
    arrays[name] = value?.data && value.shape ? unpack(value) : value
  }
  return arrays
}

/** { shape, data: base64 of float32 } -> a Float32Array with that shape. */
export function unpack({ data, shape }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
  const values = new Float32Array(bytes.buffer)
  values.shape = shape
  return values
}
