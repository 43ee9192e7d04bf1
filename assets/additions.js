// What has been added to the curves of a chart since they were drawn: points at their ends need no other curve to be drawn anew.

/**
 * @typedef {object} Drawn what is remembered of a curve
 * @property {string} look everything but its points
 * @property {number} count of its points
 * @property {number[]} ends x and y of its first and of its last point
 */

/** @returns {Drawn} */
export function remembered({ x, y, ...look }) {
  const last = (x?.length ?? 0) - 1
  return { look: JSON.stringify(look), count: last + 1, ends: last < 0 ? [] : [x[0], y[0], x[last], y[last]] }
}

/**
 * What Plotly's `extendTraces` takes: x and y, a list for each curve that has grown, and the places of these curves. null where anything
 * else has changed; then all has to be drawn.
 * @param {Drawn[] | null} drawn
 * @param {any[]} traces
 * @returns {{ x: any[][], y: any[][], places: number[] } | null}
 */
export function additions(drawn, traces) {
  if (drawn?.length !== traces.length || !traces.every((trace, i) => grown(drawn[i], trace))) return null
  const places = traces.map((_, i) => i).filter((i) => (traces[i].x?.length ?? 0) > drawn[i].count)
  const news = (axis) => places.map((i) => Array.from(traces[i][axis]).slice(drawn[i].count))
  return { x: news("x"), y: news("y"), places }
}

/** Whether a curve begins with all that was drawn of it. */
function grown(drawn, { x, y, ...look }) {
  const { count, ends } = drawn
  if ((x?.length ?? 0) < count || JSON.stringify(look) !== drawn.look) return false
  return !count || [x[0], y[0], x[count - 1], y[count - 1]].every((value, i) => Object.is(value, ends[i]))
}
