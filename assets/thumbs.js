// One picture out of the atlas of all points, at any size, and the words for what it shows.

import { make, penOf, short } from "./theme.js"

/** points: { tile, columns, count, source }. The picture of point i, as wide as its place in the page. */
export function thumb(points, i, words = "") {
  const element = make("span.ssl-thumb-of")
  pictured(element, points, i)
  if (words) {
    element.setAttribute("role", "img")
    element.setAttribute("aria-label", words)
  } else element.setAttribute("aria-hidden", "true")
  return element
}

/** Puts the picture of point i on an element. */
export function pictured(element, { columns, count, source }, i) {
  const rows = Math.ceil(count / columns)
  const at = (place, of) => (of > 1 ? (100 * place) / (of - 1) : 0)
  element.style.backgroundImage = `url("${source}")`
  element.style.backgroundPosition = `${at(i % columns, columns)}% ${at(Math.floor(i / columns), rows)}%`
  element.style.backgroundSize = `${100 * columns}% ${100 * rows}%`
}

/** The picture of point i on a canvas of its own, in its own pixels. picture: the decoded sprite sheet. */
export function cut(picture, { tile, columns }, i) {
  const canvas = make("canvas")
  canvas.width = canvas.height = tile
  penOf(canvas).drawImage(picture, (i % columns) * tile, Math.floor(i / columns) * tile, tile, tile, 0, 0, tile, tile)
  return canvas
}

/** "square", or the number where classes have no names; "none" without a label. */
export function labelOf({ labels, names }, factor, i) {
  const label = labels[factor]?.[i]
  if (label === undefined || label < 0) return "none"
  return names?.[factor]?.[label] ?? short(label)
}

/** "shape: square, color: red". */
export function wordsOf(points, i) {
  return Object.keys(points.labels ?? {})
    .map((factor) => `${factor}: ${labelOf(points, factor, i)}`)
    .join(", ")
}
