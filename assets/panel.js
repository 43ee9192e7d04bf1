// What every live panel is: live.js gives it its data and its theme, and calls it.

/** @typedef {import("./theme.js").Theme} Theme */
/** @typedef {import("./run.js").Run} Run */

export class Panel {
  /** @type {any} what the page says to it, as Python made it */
  data = {}
  /** @type {Theme} */
  theme = /** @type {any} */ (null) // until it is drawn
  /** @type {boolean | undefined} whether it shows a recording; undefined: as its run does */
  recorded = undefined

  /**
   * Tells the page something, which reruns its script.
   * @type {(name: string, value: unknown) => void}
   */
  notify = () => {}

  /**
   * Another run is shown from now on, or none: what was known of the one before no longer holds.
   * @param {string | null} _run
   */
  turn(_run) {}

  /**
   * There is news of the run, or data and theme have changed.
   * @param {any} _run
   */
  update(_run) {}

  remove() {}
}
