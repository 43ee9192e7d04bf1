// Tiles of an atlas, each on a canvas of its own in the picture's own pixels: the browser enlarges them without blur at any density.

import { penOf } from "./theme.js"

/** The picture of an atlas, decoded, so that drawing it never shows a gap. */
export async function decoded(atlas) {
  const picture = new Image()
  picture.src = atlas.picture
  await picture.decode()
  return { ...atlas, picture }
}

/** Draws tile number `place` of a decoded atlas. */
export function paint(canvas, atlas, place) {
  const { width, height, columns, picture } = atlas
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  penOf(canvas).drawImage(picture, (place % columns) * width, Math.floor(place / columns) * height, width, height, 0, 0, width, height)
}

/** As many children as there are items, made by `fresh(place)`; those that stand there stay. */
export function keep(parent, count, fresh) {
  while (parent.children.length > count) parent.lastChild.remove()
  while (parent.children.length < count) parent.append(fresh(parent.children.length))
  return [...parent.children]
}

/** A canvas for a tile; with words, a picture to screen readers, else decoration. */
export function tile(words = "") {
  const canvas = document.createElement("canvas")
  Object.assign(canvas, { className: "ssl-tile", width: 1, height: 1 }) // square, until it has a picture
  if (words) {
    canvas.setAttribute("role", "img")
    canvas.setAttribute("aria-label", words)
  } else canvas.setAttribute("aria-hidden", "true")
  return canvas
}
