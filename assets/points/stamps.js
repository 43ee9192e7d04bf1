// How one point looks: its symbol drawn once, then used for thousands of points.

import { SHAPES } from "../symbols.js"

/**
 * @typedef {object} Style how the points of one class look
 * @property {string} color "#rrggbb"
 * @property {string} symbol a name in SHAPES
 * @property {number} [size] how much larger than usual
 */

/**
 * A symbol on a small canvas, its middle moved by a part of a pixel.
 * @param {Style} style
 * @param {number} radius in pixels of the canvas
 * @param {string} edge the color that parts it from its neighbors
 */
export function stampOf({ color, symbol }, radius, edge, x = 0, y = 0) {
  const side = Math.ceil(2 * radius * (symbol === "circle" || symbol === "ring" ? 1 : 1.3) + 3)
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = side
  const pen = penOf(canvas)
  pen.translate(side / 2 + x, side / 2 + y)
  pen.beginPath()
  SHAPES[symbol](pen, radius)
  const ring = symbol === "ring"
  pen.lineWidth = ring ? radius * 0.5 : Math.min(radius * 0.2, 1.4)
  pen.fillStyle = color
  pen.strokeStyle = ring ? color : edge
  if (!ring) pen.fill()
  pen.stroke()
  return canvas
}

/** Of a canvas whose pixels are read again. */
export function penOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }))
}

/**
 * "#d7303e" -> the word that an opaque pixel of it is.
 * @param {string} color
 */
export function wordOf(color) {
  const value = parseInt(color.slice(1), 16)
  return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0
}
