// What is shown of the point under the pointer: its picture and its labels.

import { labelOf, pictured } from "./thumbs.js"
import { make, short } from "./theme.js"

const GAP = 16 // px between the pointer and the box

export class Tip {
  constructor() {
    this.picture = make("div.ssl-thumb.ssl-thumb-of")
    this.words = make("div.ssl-facts")
    this.element = make("div.ssl-tip", this.picture, this.words)
    this.element.hidden = true
  }

  /**
   * Beside point i at [x, y] of a canvas of `size`; i < 0 takes it away.
   * points: { tile, columns, count, source, labels, names }; mode: the factor that colors the map.
   */
  show(i, points, mode, similarity, place, size) {
    this.element.hidden = i < 0 || !points?.source
    if (this.element.hidden) return
    const [x, y] = place
    pictured(this.picture, points, i)
    const label = (factor) => make(factor === mode ? "b" : "span", `${factor}: ${labelOf(points, factor, i)}`)
    const alike = similarity ? [make("span", `cosine ${short(similarity[i])}`)] : []
    this.words.replaceChildren(make("span.ssl-good", `image ${i}`), ...Object.keys(points.labels ?? {}).map(label), ...alike)
    const { offsetWidth, offsetHeight, style } = this.element
    style.left = `${Math.max(x > size.width / 2 ? x - offsetWidth - GAP : x + GAP, 0)}px`
    style.top = `${Math.max(Math.min(Math.max(y - offsetHeight / 2, 0), size.height - offsetHeight), 0)}px`
  }
}
