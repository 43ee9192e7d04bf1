// What the maps of the Embeddings page are of: layer, projection, which images, and how a drag and points look.

import { button, buttonGroup, menu, press } from "../controls.js"
import { LAYERS } from "../metrics.js"
import { make } from "../theme.js"
import { KINDS, needsOf, titleOf } from "./kinds.js"

const POINTS = [
  ["probe", "probe images"],
  ["2000", "2,000 training images"],
  ["5000", "5,000 training images"],
  ["10000", "10,000 training images"],
  ["20000", "20,000 training images"],
  ["50000", "50,000 training images"],
]

/** @typedef {{ layer: string, kind: string, points: string, pictures: boolean, lassoing: boolean }} Chosen */

export class Choices {
  /** on: { choose({ layer } or { kind } or { points }), toggle("pictures" or "lassoing") }. */
  constructor(on) {
    this.layers = group(
      "layer",
      LAYERS.map((layer) => [layer, layer]),
      (layer) => on.choose({ layer }),
    )
    this.kinds = group(
      "projection",
      KINDS.map((kind) => [kind, titleOf(kind)]),
      (kind) => on.choose({ kind }),
    )
    this.points = menu("which images", POINTS, (points) => on.choose({ points }))
    this.pictures = button("Thumbnails", () => on.toggle("pictures"), "draw every point as its picture")
    this.lasso = button("Lasso", () => on.toggle("lassoing"), "drag around points (or hold Shift)")
    const space = make("span.ssl-space")
    this.element = make("div.ssl-line.ssl-choices", this.layers, this.kinds, this.points, space, this.pictures, this.lasso)
  }

  /**
   * What is chosen; a choice that no run has is off.
   * @param {Chosen} chosen
   * @param {any[]} facts of the runs of which it is known what they have
   */
  show(chosen, facts) {
    press(this.layers, (each) => each.value === chosen.layer)
    press(this.kinds, (each) => each.value === chosen.kind)
    for (const each of this.layers.children) each.disabled = facts.length > 0 && !facts.some(({ layers }) => layers.includes(each.value))
    for (const each of this.kinds.children) {
      each.disabled = facts.length > 0 && !facts.some(({ kinds }) => kinds?.[chosen.layer]?.includes(each.value))
      each.title = (each.disabled && needsOf(each.value)) || titleOf(each.value)
    }
    this.points.value = chosen.points
    this.pictures.setAttribute("aria-pressed", String(chosen.pictures))
    this.lasso.setAttribute("aria-pressed", String(chosen.lassoing))
  }
}

/** Buttons of [value, text]; each knows its value. */
function group(name, entries, choose) {
  return buttonGroup(
    name,
    entries.map(([value, text]) =>
      Object.assign(
        button(text, () => choose(value)),
        { value },
      ),
    ),
  )
}
