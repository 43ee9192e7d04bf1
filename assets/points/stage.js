// A map on the page: the canvas of its points, buttons that zoom, words where there is nothing yet, and what is shown of the point under the pointer.

import { button } from "../controls.js"
import { make } from "../theme.js"
import { Tip } from "../tip.js"
import { Cloud } from "./cloud.js"

const CLOSER = 1.4 // by one press of a button

export class Stage {
  canvas = make("canvas.ssl-canvas")
  tip = new Tip()
  empty = make("div.ssl-empty")

  /**
   * @param {string} role of the canvas: "img", or "application" where keys do more than move through points
   * @param {Partial<import("./cloud.js").Hearing>} on
   * @param {string | null} words what is shown where there is nothing yet; null: nothing, and there are no buttons
   */
  constructor(role, on, words) {
    this.canvas.tabIndex = 0
    this.canvas.setAttribute("role", role)
    this.empty.textContent = words
    this.cloud = new Cloud(this.canvas, on)
    const tools = make(
      "div.ssl-tools",
      button("+", () => this.cloud.magnify(CLOSER), "zoom in"),
      button("−", () => this.cloud.magnify(1 / CLOSER), "zoom out"),
      button("⟲", () => this.cloud.whole(), "whole map"),
    )
    this.element = make("div.ssl-stage", this.canvas, ...(words === null ? [] : [tools, this.empty]), this.tip.element)
  }

  /**
   * Marks point i, -1 for none, and tells of it unless the pointer is elsewhere.
   * @param {any} points whose pictures and labels they are
   * @param {string | null} mode the factor that colors the map
   * @param {{ similarity?: Float32Array | null, here?: boolean }} options
   */
  point(i, points, mode, options = {}) {
    const { similarity = null, here = true } = options
    this.cloud.mark({ hovered: i < this.cloud.count ? i : -1 })
    if (points) this.tip.show(here ? i : -1, points, mode, similarity, this.cloud.place(Math.max(i, 0)), this.cloud.camera.size)
  }

  remove() {
    this.cloud.remove()
  }
}
