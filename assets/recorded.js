// A recorded run, played through the same door as a live one, until somebody presses Start.

const BASE = new URL("recorded/", import.meta.url)
const LASTS = 24 // seconds, however long the run took
const TICK = 250 // ms

export const RECORDED = "recorded"

/** Where a file of the recording lies; its pictures are kept small. */
export function place(path) {
  return new URL(path.replace(/\.png$/, ".jpg"), BASE).href
}

export async function about() {
  return read("run.json")
}

export async function frame(step) {
  return read(`snapshots/${step}.json`)
}

/** Gives the run its entries at a steady pace, and tells after each bundle. Stops when nobody watches any more. */
export async function play(run, tell) {
  const [{ steps, title }, entries] = await Promise.all([about(), read("events.json")])
  run.online = true
  run.status = { id: RECORDED, status: RECORDED, message: "", step: 0, steps, title }
  const [begin, end] = [entries[0][3], entries.at(-1)[3]]
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches
  const started = performance.now()
  let next = 0
  const timer = setInterval(() => {
    const now = still ? end : begin + ((performance.now() - started) / 1000 / LASTS) * (end - begin)
    while (next < entries.length && entries[next][3] <= now) run.take(entries[next++])
    tell([run])
    if (next === entries.length || !run.watchers.size) clearInterval(timer)
  }, TICK)
}

async function read(path) {
  const answer = await fetch(new URL(path, BASE))
  if (!answer.ok) throw new Error(`the recording lacks ${path}`)
  return answer.json()
}
