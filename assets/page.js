// What the page knows as long as it is open. Whatever changes and is shared by several panels stands here, and nowhere else.

import { RecordingClock } from "./recording_clock.js"

/** @typedef {import("./run.js").Run} Run */

export const page = {
  /** @type {Map<string, Run>} every run that somebody watches (stream.js) */
  runs: new Map(),

  /** The page's WebSocket, attempts since it was open last, and the timer of the next one (stream.js). */
  connection: { socket: /** @type {WebSocket | null} */ (null), attempts: 0, timer: /** @type {Timer} */ (0) },

  /** Runs of which panels will hear, and the timer until then (stream.js). */
  news: { runs: /** @type {Set<Run>} */ (new Set()), timer: /** @type {Timer} */ (0) },

  /** @type {WeakMap<HTMLElement, any>} place -> the panel that is mounted there (live.js) */
  panels: new WeakMap(),

  /** @type {WeakMap<HTMLElement, any>} place -> the newest that Python says of it, until it leaves (live.js) */
  wanted: new WeakMap(),

  /** @type {WeakMap<Element, any>} label -> the definition that it is explained by (definitions.js) */
  explained: new WeakMap(),

  /** The label that is explained now, whether until somebody closes it, and the timer that will show or hide it (definitions.js). */
  explanation: { label: /** @type {HTMLElement | null} */ (null), pinned: false, timer: /** @type {Timer} */ (0) },

  /** @type {HTMLElement | null} the place of the panel that was drawn before there was a page for it, until it moves there (live.js) */
  early: null,

  /** Where the recorded pair stands (recorded.js). */
  clock: new RecordingClock(),
}

/** @typedef {ReturnType<typeof setTimeout> | 0} Timer */
