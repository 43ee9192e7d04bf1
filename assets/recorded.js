// A recorded pair of runs, played through the same door as live ones until somebody presses Start. One clock moves both.

const BASE = new URL("recorded/", import.meta.url)
const LASTS = 15 // seconds of one round, however long the runs took
const RESTS = 4 // seconds between two rounds
const ROUNDS = 2 // that play by themselves
export const EARLY = 1.7 // above 1: the first steps, in which most happens, pass more slowly
const TICK = 250 // ms

export const PAIR = ["recorded", "recorded-without"] // with color jitter, and without

export function isRecorded(id) {
  return PAIR.includes(id)
}

/** Where a picture of a recording lies; the images of the probe set are shared. */
export function place(id, path) {
  const short = path.replace(/^snapshots\//, `${id}/`).replace(/\.png$/, ".jpg")
  return new URL(short, BASE).href
}

export async function about(id) {
  const { probe, runs } = await pair()
  const { title, config, steps } = runs[id]
  return { title, config, steps, probe }
}

/** The arrays of one frame. */
export async function frame(id, step) {
  const { umap, ...lists } = (await pair()).runs[id].frames[step]
  return { ...lists, umap: points(umap) }
}

let loading = null

/** Everything but the pictures, in one file. */
export function pair() {
  loading ??= read("pair.json").catch((error) => {
    loading = null
    throw error
  })
  return loading
}

async function read(path) {
  const answer = await fetch(new URL(path, BASE))
  if (!answer.ok) throw new Error(`the recording lacks ${path}`)
  return answer.json()
}

/** { scale, shape, data: int16 in base64 } -> float32. */
function points({ scale, shape, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
  const values = Float32Array.from(new Int16Array(bytes.buffer), (whole) => whole * scale)
  return Object.assign(values, { shape })
}

/** Where the recording stands, as a share of its way and as a step; it goes by itself, or stands where somebody put it. */
class Clock {
  constructor() {
    this.rounds = ROUNDS
    this.begun = null // when this round began; null: it stands
    this.share = 0
  }

  /** Begins, unless it went before; where motion is unwelcome it shows the end. */
  start() {
    if (this.begun !== null || this.share) return
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.share = 1
    else this.play(ROUNDS)
  }

  /** From where it stands, or once more from the start. */
  play(rounds = 1) {
    this.rounds = rounds
    if (this.share === 1) this.share = 0
    this.begun = performance.now() - this.share * LASTS * 1000
  }

  /** Stands at this share of the way. */
  hold(share = this.now()) {
    this.share = Math.min(Math.max(share, 0), 1)
    this.begun = null
  }

  get going() {
    return this.begun !== null
  }

  now() {
    if (this.begun === null) return this.share
    const seconds = (performance.now() - this.begun) / 1000
    if (seconds > LASTS && this.rounds === 1) this.hold(1)
    else if (seconds > LASTS + RESTS) ((this.rounds -= 1), (this.begun = performance.now()))
    else return Math.min(seconds / LASTS, 1)
    return this.now()
  }

  /** Of a run of so many steps; between two of them a fraction. */
  step(steps) {
    return steps * this.now() ** EARLY
  }
}

export const clock = new Clock()

/** Gives the run its entries as the clock goes, and tells after each bundle. Stops when nobody watches any more. */
export async function play(run, tell) {
  const { title, steps, events } = (await pair()).runs[run.id]
  run.online = true
  run.status = { id: run.id, status: "recorded", message: "", step: 0, steps, title }
  clock.start()
  let next = 0
  const feed = () => {
    const now = clock.step(steps)
    const before = next
    if (next && events[next - 1][2] > now) ((next = 0), (run.last = 0), run.clear()) // the clock was put back
    while (next < events.length && events[next][2] <= now) run.take(events[next++])
    if (next !== before) tell([run])
    if (!run.watchers.size) clearInterval(timer)
  }
  const timer = setInterval(feed, TICK)
  feed()
}
