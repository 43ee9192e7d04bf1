// How one point looks: its symbol drawn once, then used for thousands of points.

import { SHAPES } from "../symbols.js"

/**
 * @typedef {object} Style how the points of one class look
 * @property {string} color "#rrggbb"
 * @property {string} symbol a name in SHAPES
 * @property {number} [size] how much larger than usual
 */

/**
 * A symbol on a small canvas.
 * @param {Style} style
 * @param {number} radius in pixels of the canvas
 * @param {string} edge the color that parts it from its neighbors
 */
export function stampOf(style, radius, edge) {
  const canvas = document.createElement("canvas")
  const side = (canvas.width = canvas.height = sideOf(style, radius))
  drawStamp(penOf(canvas), style, radius, edge, side / 2, side / 2)
  return canvas
}

/** How many pixels wide and high it is. */
export function sideOf({ symbol }, radius) {
  return Math.ceil(2 * radius * (symbol === "circle" || symbol === "ring" ? 1 : 1.3) + 3)
}

/** A symbol with its middle at x, y. */
export function drawStamp(pen, { color, symbol }, radius, edge, x, y) {
  pen.translate(x, y)
  pen.beginPath()
  SHAPES[symbol](pen, radius)
  const ring = symbol === "ring"
  pen.lineWidth = ring ? radius * 0.5 : Math.min(radius * 0.2, 1.4)
  pen.fillStyle = color
  pen.strokeStyle = ring ? color : edge
  if (!ring) pen.fill()
  pen.stroke()
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
