// Draws the points of a cloud pixel by pixel, where there is no graphics card: faster than asking a canvas to draw each of them.

import { byRegion } from "./order.js"
import { BESIDE_PICTURES, STANDING_BACK, opacityFor } from "./sizes.js"
import { drawStamp, penOf, sideOf, wordOf } from "./stamps.js"

const PARTS = 4 // of a pixel by which a stamp can be moved: slow motion stays smooth
const LEVELS = 16 // of strength
const WHOLE = 128 // the weight of an opaque pixel: a word's two colors times it still fit in 31 bits

export class RasterPainter {
  width = 1
  height = 1
  scratch = document.createElement("canvas")
  pen = penOf(this.scratch)
  picture = new ImageData(1, 1)
  words = new Int32Array(this.picture.data.buffer)
  look = {} // of the symbols that are stamped
  /** @type {{ side: number, stamps: Int32Array[] }[]} by class and strength: a stamp at each part of a pixel */
  stamps = []
  /** @type {{ picture: HTMLImageElement | null, side: number, columns: number, words: Int32Array }} */
  sheet = { picture: null, side: 0, columns: 1, words: new Int32Array(0) }

  /**
   * @param {import("./cloud.js").Cloud} cloud
   * @param {CanvasRenderingContext2D} pen of the cloud's canvas
   * @param {((pen: CanvasRenderingContext2D) => void) | null} below draws what lies behind the points
   */
  draw(cloud, pen, below) {
    const { width, height } = cloud.canvas
    if (this.look !== cloud.look || this.width !== width) this.stamps = []
    Object.assign(this, { look: cloud.look, width, height })
    this.begin(wordOf(cloud.background) | 0, cloud.background, below)
    cloud.locate()
    const { back, shown } = cloud
    this.press(cloud, 0, back, cloud.pictures ? BESIDE_PICTURES : STANDING_BACK)
    if (cloud.pictures) this.lay(cloud, cloud.pictures, back, shown)
    else this.press(cloud, back, shown, opacityFor(shown))
    pen.putImageData(this.picture, 0, 0)
  }

  begin(word, background, below) {
    const { width, height, scratch } = this
    if (below) {
      if (scratch.width !== width || scratch.height !== height) Object.assign(scratch, { width, height })
      this.pen.fillStyle = background
      this.pen.fillRect(0, 0, width, height)
      below(this.pen)
      this.picture = this.pen.getImageData(0, 0, width, height)
    } else if (this.picture.width !== width || this.picture.height !== height) this.picture = new ImageData(width, height)
    this.words = new Int32Array(this.picture.data.buffer)
    if (!below) this.words.fill(word)
  }

  /** Stamps points number first to end of the order. */
  press(cloud, first, end, strength) {
    const { xs, ys, near, classes, ratio, camera } = cloud
    const { width, height } = camera.size
    const turn = byRegion(cloud.order.subarray(first, end), xs, ys, width, height)
    for (let at = 0; at < turn.length; at++) {
      const i = turn[at]
      const fade = camera.depth ? 1 - camera.depth * 0.36 * (1 - Math.min(Math.max(near[i], -1), 1)) : 1
      this.stamp(cloud, classes[i], Math.max(Math.round(strength * fade * LEVELS), 1), xs[i] * ratio, ys[i] * ratio)
    }
  }

  stamp(cloud, kind, level, x, y) {
    const key = kind * (LEVELS + 1) + level
    const shifted = (this.stamps[key] ??= shiftedStamps(cloud, kind, level / LEVELS, this.width))
    const { side } = shifted
    const cornerX = x - side / 2
    const cornerY = y - side / 2
    const left = Math.floor(cornerX)
    const top = Math.floor(cornerY)
    const stamp = shifted.stamps[(((cornerY - top) * PARTS) | 0) * PARTS + (((cornerX - left) * PARTS) | 0)]
    const whole = left >= 0 && top >= 0 && left + side <= this.width && top + side <= this.height
    if (whole) this.blend(stamp, top * this.width + left)
    else if (left > -side && top > -side && left < this.width && top < this.height)
      this.blend(this.inside(stamp, left, top), top * this.width + left)
  }

  /** Red and blue, which have room between them in a word, are weighed at once. */
  blend(stamp, corner) {
    const { words } = this
    for (let k = 0; k < stamp.length; k += 4) {
      const at = corner + stamp[k]
      const word = words[at]
      const stays = stamp[k + 1]
      words[at] =
        0xff000000 |
        (((Math.imul(word & 0xff00ff, stays) + stamp[k + 2]) >>> 7) & 0xff00ff) |
        (((Math.imul(word & 0xff00, stays) + stamp[k + 3]) >>> 7) & 0xff00)
    }
  }

  /** The pixels of a stamp that lie inside the picture. */
  inside(stamp, left, top) {
    return stamp.filter((_, k) => {
      const offset = stamp[k - (k % 4)]
      const [x, y] = [left + (offset % this.width), top + Math.floor(offset / this.width)]
      return x >= 0 && y >= 0 && x < this.width && y < this.height
    })
  }

  /** Pictures instead of stamps. */
  lay(cloud, pictures, first, end) {
    const side = cloud.tileSide()
    if (this.sheet.side !== side || this.sheet.picture !== pictures.picture) this.sheet = sheetOf(pictures, side)
    const colors = cloud.palette.map((each) => wordOf(each.color))
    for (let at = first; at < end; at++) {
      const i = cloud.order[at]
      this.tile(this.sheet, i, cloud.xs[i] * cloud.ratio, cloud.ys[i] * cloud.ratio, colors[cloud.classes[i]])
    }
  }

  /** Copies tile number i of a sheet of tiles, with a frame of one color around it. color: a pixel as a word. */
  tile({ side, words, columns }, i, x, y, color) {
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

  remove() {}
}

/** A stamp at each part of a pixel: one below the other on one canvas, since each canvas takes longer than all that is drawn on it. */
function shiftedStamps(cloud, kind, strength, width) {
  const style = cloud.palette[kind] ?? cloud.palette[0]
  const [count, radius] = [PARTS * PARTS, cloud.radius(style)]
  const side = sideOf(style, radius)
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side * count })
  const pen = penOf(canvas)
  for (let i = 0; i < count; i++) {
    pen.save()
    pen.beginPath()
    pen.rect(0, i * side, side, side)
    pen.clip()
    drawStamp(pen, style, radius, cloud.background, side / 2 + (i % PARTS) / PARTS, (i + 0.5) * side + Math.floor(i / PARTS) / PARTS)
    pen.restore()
  }
  const { data } = pen.getImageData(0, 0, side, side * count)
  const area = 4 * side * side
  const stamps = Array.from({ length: count }, (_, i) => blendable(data.subarray(i * area, (i + 1) * area), side, width, strength))
  return { side, stamps }
}

/**
 * A stamp for a picture so wide: four numbers for each pixel that it covers. Where that lies from the stamp's corner, how much of what was
 * there stays, and what is added to red with blue, and to green.
 * @param {ArrayLike<number>} pixels red, green, blue and opacity of a square
 */
export function blendable(pixels, side, width, strength) {
  const numbers = []
  for (let i = 0; i < side * side; i++) {
    const share = weight(pixels, i, strength)
    if (!share) continue
    const [red, green, blue] = [pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2]]
    numbers.push(Math.floor(i / side) * width + (i % side), WHOLE - share, (red | (blue << 16)) * share, (green << 8) * share)
  }
  return Int32Array.from(numbers)
}

function weight(pixels, i, strength) {
  return Math.round((pixels[4 * i + 3] / 255) * strength * WHOLE)
}

/** A sheet of pictures at another size, as words of pixels. */
function sheetOf({ picture, tile, columns }, side) {
  const canvas = document.createElement("canvas")
  const scale = side / tile
  canvas.width = Math.round(picture.naturalWidth * scale)
  canvas.height = Math.round(picture.naturalHeight * scale)
  const pen = penOf(canvas)
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height)
  const { buffer } = pen.getImageData(0, 0, canvas.width, canvas.height).data
  return { picture, side, columns, words: new Int32Array(buffer) }
}
