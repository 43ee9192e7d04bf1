// A canvas of up to fifty thousand points, in two or three dimensions, that glide from one layout to the next: every map is one. Knows nothing of runs.

import { Camera } from "./camera.js"
import { tinted } from "./colors.js"
import { Gestures } from "./gestures.js"
import { Grid } from "./grid.js"
import { paintOrder } from "./order.js"
import { overlay, sphere } from "./overlay.js"
import { painterFor } from "./painter.js"
import { pictureFor, radiusFor } from "./sizes.js"

const REACH = 14 // CSS px within which the pointer finds a point
const DEAF = { hover() {}, pick() {}, lasso() {}, step() {}, play() {}, clear() {} }
/** @type {Marks} */
const NO_MARKS = { hovered: -1, picked: -1, starred: false, neighbors: [], lasso: [], star: null }
const FLAT = { flat: true, round: 0, span: 0, even: false, star: null }

/**
 * @typedef {import("./stamps.js").Style} Style
 * @typedef {number[]} Window what is seen: the middle x, y, z, and half the side
 *
 * @typedef {object} Hearing what is done to a cloud
 * @property {(i: number) => void} hover point i is under the pointer, or -1
 * @property {(i: number) => void} pick point i was clicked, or -1: none
 * @property {(points: number[]) => void} lasso these were drawn around
 * @property {(by: number) => void} step
 * @property {() => void} play
 * @property {() => void} clear
 *
 * @typedef {object} Glide
 * @property {boolean} flat two dimensions
 * @property {number} round dimensions of the sphere that is drawn around the points, 0 for none
 * @property {number} span milliseconds that it takes
 * @property {boolean} even at one speed, as one frame of many; else it begins and ends slowly
 * @property {number[] | null} star where an image lands that is none of the points
 *
 * @typedef {{ window: Window[], depth: number[], star: (number[] | null)[], even: boolean, span: number, began: number }} Way
 *
 * @typedef {object} Marks what is drawn over the points
 * @property {number} hovered a point, -1 for none
 * @property {number} picked a point, -1 for none
 * @property {boolean} starred whether the neighbors are those of the star
 * @property {number[]} neighbors points
 * @property {number[][]} lasso corners in CSS px
 * @property {number[] | null} star a place in space
 */

export class Cloud {
  camera = new Camera()
  view = this.camera.view()
  grid = new Grid()
  /** @type {Style[]} */
  palette = [{ color: "#888888", symbol: "circle" }]
  background = "#ffffff"
  ink = "#000000"
  muted = "#888888"
  round = 0
  frames = 0 // drawn so far
  frame = 0 // the one that the browser is asked for
  ratio = 0 // pixels of the canvas per CSS pixel; 0 until it has a size
  /** @type {{ picture: HTMLImageElement, tile: number, columns: number } | null} drawn instead of symbols */
  pictures = null
  count = 0
  /** @type {Float32Array | null} where points come from, (N, 3) flattened; null: there is no layout yet */
  from = null
  /** @type {Float32Array | null} where they go */
  to = null
  share = 1 // of the way
  /** @type {Way | null} a glide under way */
  way = null
  classes = new Uint16Array(0) // (N,) places in the palette
  /** @type {Uint8Array | null} 1 for each point that stands out, 0 for the others; null: all do */
  highlighted = null
  xs = new Float32Array(0)
  ys = new Float32Array(0)
  near = new Float32Array(0)
  order = new Uint32Array(0)
  back = 0 // how many of the order stand back
  /** @type {object | null} another one whenever the order is another; null: it is to be made */
  sorted = null
  /** @type {object} */
  look = {} // another one whenever symbols look otherwise
  wasFlat = false
  located = -1 // the frame for which the places were worked out
  gridded = -1 // and their grid
  marks = NO_MARKS

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Partial<Hearing>} on
   * @param {string} painter "webgl" or "raster"; "": the quicker one
   */
  constructor(canvas, on, painter = "") {
    this.canvas = canvas
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"))
    /** @type {Hearing} */
    this.on = { ...DEAF, ...on }
    this.painter = painterFor(painter, () => this.fallBack())
    this.observer = new ResizeObserver(() => this.resize())
    this.observer.observe(canvas)
    this.gestures = new Gestures(this)
  }

  /** Other points: nothing of the old ones stays. */
  clear(count) {
    Object.assign(this, { count, from: null, to: null, share: 1, way: null, highlighted: null, back: 0, sorted: null, marks: NO_MARKS })
    for (const name of ["xs", "ys", "near"]) this[name] = new Float32Array(count)
    this.classes = new Uint16Array(count)
    this.order = new Uint32Array(count)
    this.located = this.gridded = -1
    this.draw()
  }

  /**
   * Points go to another layout, from wherever they are.
   * @param {Float32Array} frame (N, 3) flattened
   * @param {Window} window
   * @param {Partial<Glide>} how
   */
  glide(frame, window, how = {}) {
    const { flat, round, span, even, star } = { ...FLAT, ...how }
    const first = !this.to
    this.from = this.between() ?? frame
    this.to = frame
    this.share = 0
    this.round = round
    this.way = {
      window: [[...this.camera.window], window],
      depth: [this.camera.depth, flat ? 0 : 1],
      star: [this.marks.star ?? star, star],
      even,
      span: first || matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : span,
      began: performance.now(),
    }
    this.draw()
  }

  /** Points at a share of the way between two layouts: somebody else moves them. */
  put(from, to, share, window) {
    Object.assign(this, { from, to, share, way: null })
    this.camera.window = window
    this.draw()
  }

  /**
   * @param {ArrayLike<number>} classes (N,) places in the palette
   * @param {Style[]} palette
   * @param {Uint8Array | null} highlighted (N,) of 0 and 1, or null for all
   */
  paint(classes, palette, highlighted, theme) {
    this.classes = Uint16Array.from(classes)
    this.highlighted = highlighted
    this.palette = palette
    this.background = tinted(theme.background, theme.dark ? 0.05 : 0.035, theme.dark ? 255 : 0)
    this.ink = theme.text
    this.muted = theme.dark ? "rgba(255,255,255,.2)" : "rgba(20,30,40,.16)"
    this.look = {}
    this.sorted = null
    this.draw()
  }

  /** picture: the decoded sheet of all points; sheet: { tile, columns } of it. null draws symbols. */
  show(picture, sheet) {
    this.pictures = picture && { picture, tile: sheet.tile, columns: sheet.columns }
    this.draw()
  }

  /** @param {Partial<Marks>} marks */
  mark(marks) {
    this.marks = { ...this.marks, ...marks }
    this.draw()
  }

  draw() {
    this.frame ||= requestAnimationFrame((now) => this.tick(now))
  }

  tick(now) {
    this.frame = 0
    if (this.way) this.move(this.way, now)
    if (this.ratio) this.render()
    if (this.way) this.draw()
  }

  move(way, now) {
    const part = way.span ? Math.min(Math.max((now - way.began) / way.span, 0), 1) : 1
    this.share = way.even ? part : part < 0.5 ? 4 * part ** 3 : 1 - (2 - 2 * part) ** 3 / 2
    const between = (a, b) => a + (b - a) * this.share
    const [seen, goal] = way.window
    this.camera.window = seen.map((a, i) => between(a, goal[i]))
    this.camera.depth = between(way.depth[0], way.depth[1])
    this.marks = { ...this.marks, star: way.star[1]?.map((b, i) => between(way.star[0]?.[i] ?? b, b)) ?? null }
    if (part >= 1) this.way = null
  }

  render() {
    const { camera, ratio, round } = this
    this.frames += 1
    this.view = camera.view()
    if (this.to) this.sort()
    this.painter.draw(this, this.pen, round ? (pen) => sphere(pen, camera, ratio, round, this.muted) : null)
    overlay(this.pen, this)
  }

  /** In space the order changes with every turn, on a plane only with what stands out. */
  sort() {
    const deep = this.camera.depth > 0
    if (this.sorted && !deep && this.wasFlat) return
    if (deep) this.locate()
    this.wasFlat = !deep
    this.back = paintOrder(this.order, this.highlighted, deep ? this.near : null)
    this.sorted = {}
  }

  /** Where the points are now, (N, 3). */
  between() {
    const { from, to, share } = this
    if (!from || !to || share === 1) return to
    const at = new Float32Array(to.length)
    for (let i = 0; i < at.length; i++) at[i] = from[i] + (to[i] - from[i]) * share
    return at
  }

  /** Works out where the points stand on the canvas, unless that is known of this frame: a graphics card does not tell. */
  locate() {
    const places = this.between()
    if (this.located === this.frames || !places) return
    this.located = this.frames
    this.camera.project(places, this.xs, this.ys, this.near)
  }

  /** The point nearest to a place on the canvas, -1 where none is near. */
  nearest(x, y) {
    if (!this.to) return -1
    this.locate()
    const { width, height } = this.camera.size
    if (this.gridded !== this.frames) this.grid.fill(this.xs, this.ys, width, height)
    this.gridded = this.frames
    return this.grid.nearest(x, y, REACH)
  }

  /** Where point i stands on the canvas, in CSS px. */
  place(i) {
    const { from, to, share } = this
    if (!from || !to) return [0, 0]
    return this.camera.place([0, 1, 2].map((axis) => from[3 * i + axis] + (to[3 * i + axis] - from[3 * i + axis]) * share))
  }

  /** How many points there are to draw. */
  get shown() {
    return this.to ? this.count : 0
  }

  /** Of the symbol of one class, in pixels of the canvas. */
  radius({ size = 1 }) {
    return radiusFor(this.count, this.camera.size.width) * size * this.ratio
  }

  /** Of a picture, in pixels of the canvas. */
  tileSide() {
    return pictureFor(this.count, this.camera.zoom.scale) * Math.round(this.ratio)
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect()
    if (!width || !height) return
    this.camera.size = { width, height }
    this.ratio = Math.min(devicePixelRatio || 1, 2)
    this.canvas.width = Math.round(width * this.ratio)
    this.canvas.height = Math.round(height * this.ratio)
    this.look = {}
    this.render()
  }

  magnify(factor, x, y) {
    this.camera.magnify(factor, x, y)
    this.draw()
  }

  whole() {
    this.camera.reset()
    this.draw()
  }

  /** The graphics card is gone. */
  fallBack() {
    this.painter = painterFor("raster")
    this.draw()
  }

  remove() {
    cancelAnimationFrame(this.frame)
    this.observer.disconnect()
    this.painter.remove()
  }
}
