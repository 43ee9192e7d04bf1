// What one panel of a page tells all others.

/** Somebody looks at another step: { run, step, span }; a step of null is the newest, span: ms of the way there. */
export const STEP = "ssl-step"
/** One of two maps under one clock is looked at in another way: { from, kind, factor, held, play }. */
export const LOOK = "ssl-pair-look"

/**
 * @param {string} name
 * @param {any} detail
 */
export function announce(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }))
}

/**
 * Calls `act(detail)` at each announcement. Returns a function that ends it.
 * @param {string} name
 * @param {(detail: any) => void} act
 */
export function hear(name, act) {
  const listener = (event) => act(event.detail)
  document.addEventListener(name, listener)
  return () => document.removeEventListener(name, listener)
}
