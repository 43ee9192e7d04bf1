// A picture of thousands of small things, put together pixel by pixel: faster than asking a canvas to draw each of them, on any machine.
// @ts-nocheck: one renderer takes its place soon

import { SHAPES } from "../symbols.js"

const PARTS = 4 // of a pixel by which a stamp can be moved: slow motion stays smooth

export class Raster {
  constructor() {
    this.scratch = document.createElement("canvas")
    this.pen = this.scratch.getContext("2d", { willReadFrequently: true })
  }

  /** Begins a picture with what `below(pen)` draws on the background. */
  begin(width, height, background, below) {
    Object.assign(this, { width, height })
    if (this.scratch.width !== width || this.scratch.height !== height) Object.assign(this.scratch, { width, height })
    this.pen.fillStyle = background
    this.pen.fillRect(0, 0, width, height)
    below?.(this.pen)
    this.picture = this.pen.getImageData(0, 0, width, height)
    this.bytes = this.picture.data
    this.words = new Uint32Array(this.bytes.buffer)
  }

  /** Blends a stamp over the picture, its middle at x, y. strength: 0 to 256. */
  stamp(stamp, x, y, strength) {
    const { side, shifted } = stamp
    const [cornerX, cornerY] = [x - side / 2, y - side / 2]
    const [left, top] = [Math.floor(cornerX), Math.floor(cornerY)]
    const pixels = shifted[(((cornerY - top) * PARTS) | 0) * PARTS + (((cornerX - left) * PARTS) | 0)]
    const [first, last] = [Math.max(-left, 0), Math.min(side, this.width - left)]
    const { bytes } = this
    for (let row = Math.max(-top, 0); row < Math.min(side, this.height - top); row++) {
      let from = (row * side + first) * 4
      let to = ((top + row) * this.width + left + first) * 4
      for (let column = first; column < last; column++, from += 4, to += 4) {
        const share = (pixels[from + 3] * strength) >> 8
        if (!share) continue
        bytes[to] += ((pixels[from] - bytes[to]) * share) >> 8
        bytes[to + 1] += ((pixels[from + 1] - bytes[to + 1]) * share) >> 8
        bytes[to + 2] += ((pixels[from + 2] - bytes[to + 2]) * share) >> 8
      }
    }
  }

  /** Copies tile number i of a sheet of tiles, with a frame of one color around it. color: a pixel as a word. */
  tile(sheet, i, x, y, color) {
    const { side, words, columns } = sheet
    const [left, top] = [Math.round(x - side / 2), Math.round(y - side / 2)]
    const edge = Math.max(1, Math.round(side / 14))
    const corner = Math.floor(i / columns) * side * columns * side + (i % columns) * side
    const [first, last] = [Math.max(-left, -edge), Math.min(side + edge, this.width - left)]
    if (last <= first) return
    for (let row = Math.max(-top, -edge); row < Math.min(side + edge, this.height - top); row++) {
      const to = (top + row) * this.width + left
      this.words.fill(color, to + first, to + last)
      if (row < 0 || row >= side) continue
      const [begin, end] = [Math.max(first, 0), Math.min(last, side)]
      if (end <= begin) continue
      const from = corner + row * columns * side
      this.words.set(words.subarray(from + begin, from + end), to + begin)
    }
  }

  show(context) {
    context.putImageData(this.picture, 0, 0)
  }
}

/** A symbol as pixels, at each part of a pixel. radius in pixels of the canvas; edge: the color that parts it from its neighbors. */
export function stampOf({ color, symbol }, radius, edge) {
  const side = Math.ceil(2 * radius * (symbol === "circle" || symbol === "ring" ? 1 : 1.3) + 3)
  const shifted = Array.from({ length: PARTS * PARTS }, (_, i) =>
    drawn(color, symbol, radius, edge, side, (i % PARTS) / PARTS, Math.floor(i / PARTS) / PARTS),
  )
  return { side, shifted }
}

function drawn(color, symbol, radius, edge, side, x, y) {
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = side
  const pen = canvas.getContext("2d", { willReadFrequently: true })
  pen.translate(side / 2 + x, side / 2 + y)
  pen.beginPath()
  SHAPES[symbol](pen, radius)
  const ring = symbol === "ring"
  pen.lineWidth = ring ? radius * 0.5 : Math.min(radius * 0.2, 1.4)
  pen.fillStyle = color
  pen.strokeStyle = ring ? color : edge
  if (!ring) pen.fill()
  pen.stroke()
  return pen.getImageData(0, 0, side, side).data
}

/** An atlas of pictures at another size, as words of pixels. */
export function sheetOf(picture, { tile, columns }, side) {
  const canvas = document.createElement("canvas")
  const scale = side / tile
  canvas.width = Math.round(picture.naturalWidth * scale)
  canvas.height = Math.round(picture.naturalHeight * scale)
  const pen = canvas.getContext("2d", { willReadFrequently: true })
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height)
  return { side, columns, words: new Uint32Array(pen.getImageData(0, 0, canvas.width, canvas.height).data.buffer) }
}

/** "#d7303e" -> the word that a pixel of it is. */
export function wordOf(color) {
  const value = parseInt(color.slice(1), 16)
  return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0
}
