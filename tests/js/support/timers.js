// Time that a test moves by hand.

/** From now on nothing happens by itself; tick(ms) lets what is due by then happen, in its order. */
export function timers(t) {
  const real = [globalThis.setTimeout, globalThis.clearTimeout]
  const waiting = new Map()
  let [now, last] = [0, 0]
  globalThis.setTimeout = (act, after = 0) => {
    waiting.set((last += 1), { act, at: now + after })
    return last
  }
  globalThis.clearTimeout = (id) => waiting.delete(id)
  t.after(() => ([globalThis.setTimeout, globalThis.clearTimeout] = real))
  const due = (until) => [...waiting].filter(([, each]) => each.at <= until).sort(([, a], [, b]) => a.at - b.at)[0]
  return {
    tick(milliseconds) {
      const until = now + milliseconds
      for (let next = due(until); next; next = due(until)) {
        const [id, { act, at }] = next
        waiting.delete(id)
        now = at
        act()
      }
      now = until
    },
  }
}
