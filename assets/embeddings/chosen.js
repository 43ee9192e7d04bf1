// The chosen image: its picture, its labels, and below each other its neighbors in every run.

import { explain } from "../definitions.js"
import { make, setText } from "../theme.js"
import { button } from "../controls.js"
import { labelOf, thumb } from "../thumbs.js"

const INVITES = {
  similarity: "Click a point: every map is then colored by similarity to its image.",
  usual: "Click a point: its nearest neighbors appear here, and every map can be colored by similarity to it.",
}

export class Chosen {
  /** color(): color by similarity to it; forget(): none is chosen any more. */
  constructor(color, forget) {
    this.hint = make("p.ssl-sentence.ssl-invite")
    this.large = make("div.ssl-chosen")
    this.rows = make("div.ssl-rows-of-neighbors")
    this.which = make("span.ssl-good")
    this.color = button("Color by similarity to it", color)
    this.color.classList.add("ssl-strong")
    this.forget = button("Clear", forget, "no image is chosen (Escape)")
    const head = make(
      "header.ssl-head",
      explain(make("span.ssl-title", "Nearest neighbors"), "neighbor"),
      this.which,
      make("span.ssl-space"),
      this.color,
      this.forget,
    )
    this.element = make("section.ssl-part.ssl-near", head, this.hint, make("div.ssl-near-desk", this.large, this.rows))
  }

  /** image: null for none; points: whose pictures they are; mode: what colors the maps. */
  show(image, points, mode) {
    const none = image === null
    setText(this.hint, INVITES[mode] ?? INVITES.usual)
    setText(this.which, none ? "" : `of image ${image}`)
    this.hint.hidden = !none
    this.color.hidden = this.forget.hidden = this.rows.hidden = this.large.hidden = none
    this.color.setAttribute("aria-pressed", String(mode === "similarity"))
    if (!none && points && image < points.count) this.enlarge(image, points)
  }

  enlarge(image, points) {
    const key = `${image} ${points.source}`
    if (this.large.dataset.key === key) return
    this.large.dataset.key = key
    const labels = Object.keys(points.labels ?? {}).map((factor) => make("span", `${factor}: `, make("b", labelOf(points, factor, image))))
    this.large.replaceChildren(thumb(points, image, `image ${image}`), make("div.ssl-facts", ...labels))
  }
}
