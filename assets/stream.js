// One WebSocket a page, shared by all its panels: the events of runs are kept in one place, and passed on to whoever watches.

import { socketAddress } from "./api.js"
import { page } from "./page.js"
import { play } from "./recorded.js"
import { Run } from "./run.js"

const TOGETHER = 250 // ms: panels hear of news together; a timer, since hidden tabs draw no frames
const LINGERS = 2000 // ms: another panel may take a run over, as when all of them turn to a new one

/**
 * Calls `listener(run)` whenever something about the run `id` is new. Returns a function that ends it.
 * @param {string} id
 * @param {(run: Run) => void} listener
 */
export function watch(id, listener) {
  const run = page.runs.get(id) ?? begin(id)
  run.watchers.add(listener)
  if (!run.recorded) connect()
  listener(run)
  return () => {
    run.watchers.delete(listener)
    setTimeout(() => {
      if (run.watchers.size || page.runs.get(id) !== run) return
      page.runs.delete(id)
      if (!run.recorded) send({ unwatch: id })
    }, LINGERS)
  }
}

function begin(id) {
  const run = new Run(id)
  page.runs.set(id, run)
  if (run.recorded)
    play(run, tell).catch((error) => {
      run.error = error.message
    })
  else send({ watch: id, after: 0 })
  return run
}

function connect() {
  const { connection } = page
  if (connection.socket && connection.socket.readyState <= WebSocket.OPEN) return
  clearTimeout(connection.timer)
  const socket = (connection.socket = new WebSocket(socketAddress()))
  socket.onopen = () => {
    connection.attempts = 0
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
    connection.attempts += 1
    connection.timer = setTimeout(connect, pauseBefore(connection.attempts))
  }
}

/** Milliseconds before the next attempt: ever longer, and at random, so that not all pages come back at once. */
function pauseBefore(attempt) {
  return Math.min(250 * 2 ** attempt, 5000) * (0.7 + 0.6 * Math.random())
}

/** The runs that are no recordings. */
function live() {
  return [...page.runs.values()].filter((run) => !run.recorded)
}

addEventListener("online", () => live().length && connect())

function send(message) {
  const { socket } = page.connection
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}

function receive(message) {
  const run = page.runs.get(message.run)
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

/** Panels hear of news of these runs. */
function tell(runs) {
  const { news } = page
  for (const run of runs) news.runs.add(run)
  news.timer ||= setTimeout(() => {
    news.timer = 0
    const all = [...news.runs]
    news.runs.clear()
    for (const run of all) for (const listener of [...run.watchers]) listener(run)
  }, TOGETHER)
}
