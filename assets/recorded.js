// A recorded pair of runs, played through the same door as live ones until somebody presses Start. One clock moves both.

import { request } from "./api.js"
import { once } from "./once.js"
import { page } from "./page.js"

const BASE = new URL("recorded/", import.meta.url)
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
  return (await pair()).runs[id].frames[step]
}

/** Everything but the pictures, in one file. */
export const pair = once(async () => {
  const found = await read("pair.json")
  for (const { frames } of Object.values(found.runs)) addMoves(Object.values(frames))
  return found
})

async function read(path) {
  const { ok, body } = await request(new URL(path, BASE).href)
  if (!ok) throw new Error(`the recording lacks ${path}`)
  return body
}

/** { scale, shape, moves: whole numbers of `scale`, from the frame before }, in order -> float32 in its place. */
export function addMoves(frames) {
  let whole = new Int32Array(frames[0]?.umap.moves.length)
  for (const frame of frames) {
    const { scale, shape, moves } = frame.umap
    whole = whole.map((value, i) => value + moves[i])
    frame.umap = Object.assign(
      Float32Array.from(whole, (value) => value * scale),
      { shape },
    )
  }
}

/** Gives the run its entries as the clock goes, and tells after each bundle. Stops when nobody watches any more. */
export async function play(run, tell) {
  const { title, steps, events } = (await pair()).runs[run.id]
  run.online = true
  run.status = { id: run.id, status: "recorded", message: "", step: 0, steps, title }
  const { clock } = page
  clock.start()
  let next = 0
  const feed = () => {
    const now = clock.step(steps)
    const before = next
    if (next && events[next - 1][2] > now) {
      next = run.last = 0 // the clock was put back
      run.clear()
    }
    while (next < events.length && events[next][2] <= now) run.take(events[next++])
    if (next !== before) tell([run])
    if (!run.watchers.size) clearInterval(timer)
  }
  const timer = setInterval(feed, TICK)
  feed()
}
