// A canvas of up to ten thousand points in two or three dimensions that glide from one layout to the next. Knows nothing of runs.
// @ts-nocheck: one renderer takes its place soon

import { Camera } from "./camera.js"
import { overlay, sphere } from "./drawing.js"
import { Gestures } from "./gestures.js"
import { Raster, sheetOf, stampOf, wordOf } from "./raster.js"

const REACH = 14 // CSS px within which the pointer finds a point
const LAYERS = 64 // of depth, drawn from the far to the near

export class Cloud {
  /** on: { hover(i), pick(i), lasso(indices), step(by), play(), clear() }. */
  constructor(canvas, on) {
    this.canvas = canvas
    this.pen = canvas.getContext("2d")
    this.on = on
    this.camera = new Camera()
    this.raster = new Raster()
    this.marks = { hovered: -1, picked: -1, neighbors: [], lasso: [], star: null }
    this.palette = [{ color: "#888888", symbol: "circle" }]
    this.background = "#ffffff"
    this.ink = "#000000"
    this.frames = 0 // drawn so far
    this.round = 0 // dimensions of the sphere that is drawn around the points, 0 for none
    this.sheets = new Map()
    this.clear(0)
    this.observer = new ResizeObserver(() => this.resize())
    this.observer.observe(canvas)
    this.gestures = new Gestures(this)
  }

  /** Other points: nothing of the old ones stays. */
  clear(count) {
    this.count = count
    this.from = this.to = null
    this.at = new Float32Array(3 * count)
    this.classes = new Uint16Array(count)
    this.lit = null
    for (const name of ["xs", "ys", "near"]) this[name] = new Float32Array(count)
    this.order = new Uint32Array(count)
    this.marks = { hovered: -1, picked: -1, neighbors: [], lasso: [], star: null }
    this.sheets.clear()
    this.draw()
  }

  /** frame: (N, 3) flattened; window: [x, y, z, half]; flat: two dimensions. Points glide there in `span` ms; star: where a landed image goes. */
  glide(frame, window, { flat, round, span, even, star }) {
    const first = !this.to
    this.from = first ? frame : Float32Array.from(this.at)
    this.to = frame
    this.round = round
    this.way = {
      window: [[...this.camera.window], window],
      depth: [this.camera.depth, flat ? 0 : 1],
      star: [this.marks.star ?? star, star],
      even,
    }
    this.span = first || matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : span
    this.began = performance.now()
    this.gliding = true
    this.draw()
  }

  /** classes: (N,) places in the palette; palette: [{ color, symbol }]; lit: (N,) of 0 and 1, or null for all. */
  paint(classes, palette, lit, theme) {
    this.classes = classes
    this.lit = lit
    this.palette = palette
    this.background = over(theme.background, theme.dark ? 0.05 : 0.035, theme.dark ? 255 : 0)
    this.ink = theme.text
    this.muted = theme.dark ? "rgba(255,255,255,.2)" : "rgba(20,30,40,.16)"
    this.stamps = null
    this.draw()
  }

  /** pictures: the decoded atlas of all points, { tile, columns }; null draws symbols. */
  show(pictures, atlas) {
    this.pictures = pictures && { picture: pictures, ...atlas }
    this.sheets.clear()
    this.draw()
  }

  mark(marks) {
    Object.assign(this.marks, marks)
    this.draw()
  }

  draw() {
    this.frame ||= requestAnimationFrame((now) => this.tick(now))
  }

  tick(now) {
    this.frame = 0
    if (this.gliding) this.move(this.span ? Math.min((now - this.began) / this.span, 1) : 1)
    if (this.ratio) this.render()
    if (this.gliding) this.draw()
  }

  move(part) {
    const { from, to, at, way, camera } = this
    const share = way.even ? part : part < 0.5 ? 4 * part ** 3 : 1 - (2 - 2 * part) ** 3 / 2
    for (let i = 0; i < at.length; i++) at[i] = from[i] + (to[i] - from[i]) * share
    const between = ([a, b]) => a + (b - a) * share
    camera.window = way.window[0].map((a, i) => between([a, way.window[1][i]]))
    camera.depth = between(way.depth)
    this.marks.star = way.star[1]?.map((b, i) => between([way.star[0]?.[i] ?? b, b])) ?? null
    if (part >= 1) this.gliding = false
  }

  render() {
    const { raster, ratio, camera, canvas } = this
    this.frames += 1
    camera.project(this.at, this.xs, this.ys, this.near)
    raster.begin(
      canvas.width,
      canvas.height,
      this.background,
      this.round ? (pen) => sphere(pen, camera, ratio, this.round, this.muted) : null,
    )
    if (this.to) {
      this.sort()
      for (const lit of this.lit ? [0, 1] : [1]) this.pictures ? this.drawTiles(lit) : this.drawStamps(lit)
    }
    raster.show(this.pen)
    overlay(this.pen, this)
  }

  drawStamps(lit) {
    const stamps = (this.stamps ??= this.palette.map((each) => stampOf(each, this.radius(), this.background)))
    const { order, xs, ys, near, classes, ratio, raster, camera } = this
    const strength = lit ? (this.count > 4000 ? 200 : 230) : 26
    for (const i of order) {
      if (this.lit && this.lit[i] !== lit) continue
      const fade = camera.depth ? 1 - camera.depth * 0.36 * (1 - Math.min(Math.max(near[i], -1), 1)) : 1
      raster.stamp(stamps[classes[i]] ?? stamps[0], xs[i] * ratio, ys[i] * ratio, strength * fade)
    }
  }

  drawTiles(lit) {
    const side = this.tileSide()
    if (!this.sheets.has(side)) this.sheets.set(side, sheetOf(this.pictures.picture, this.pictures, side))
    const sheet = this.sheets.get(side)
    const colors = this.palette.map((each) => wordOf(each.color))
    const dim = wordOf(this.background)
    for (const i of this.order) {
      if (this.lit && this.lit[i] !== lit) continue
      if (lit) this.raster.tile(sheet, i, this.xs[i] * this.ratio, this.ys[i] * this.ratio, colors[this.classes[i]] ?? dim)
      else
        this.raster.stamp(
          (this.stamps ??= this.palette.map((each) => stampOf(each, this.radius(), this.background)))[this.classes[i]],
          this.xs[i] * this.ratio,
          this.ys[i] * this.ratio,
          40,
        )
    }
  }

  /** From the far to the near; flat points as they come. */
  sort() {
    const { order, near, count } = this
    if (!this.camera.depth) {
      for (let i = 0; i < count; i++) order[i] = i
      return
    }
    const layer = (i) => Math.min(Math.max(Math.floor(((near[i] + 1.5) / 3) * LAYERS), 0), LAYERS - 1)
    const starts = new Uint32Array(LAYERS + 1)
    for (let i = 0; i < count; i++) starts[layer(i) + 1] += 1
    for (let i = 0; i < LAYERS; i++) starts[i + 1] += starts[i]
    for (let i = 0; i < count; i++) order[starts[layer(i)]++] = i
  }

  radius() {
    const usual = this.count > 4000 ? 2.3 : this.count > 1400 ? 3 : 3.8
    return usual * this.ratio * (this.camera.size.width < 420 ? 0.8 : 1)
  }

  tileSide() {
    const usual = (this.count > 4000 ? 12 : this.count > 1400 ? 16 : 22) * Math.sqrt(Math.max(this.camera.zoom.scale, 1))
    return Math.round(Math.min(Math.max(usual, 12), this.count > 4000 ? 32 : 64) / 4) * 4 * Math.round(this.ratio)
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect()
    if (!width || !height) return
    this.camera.size = { width, height }
    this.ratio = Math.min(devicePixelRatio || 1, 2)
    this.canvas.width = Math.round(width * this.ratio)
    this.canvas.height = Math.round(height * this.ratio)
    this.stamps = null
    this.render()
  }

  /** The point nearest to a place, -1 where none is near. All are looked at: ten thousand take a fraction of a millisecond. */
  nearest(x, y) {
    let [best, reach] = [-1, REACH ** 2]
    for (let i = 0; i < this.count; i++) {
      const distance = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2
      if (distance < reach) [best, reach] = [i, distance]
    }
    return this.to ? best : -1
  }

  place(i) {
    return [this.xs[i], this.ys[i]]
  }

  magnify(factor, x, y) {
    this.camera.magnify(factor, x, y)
    this.draw()
  }

  whole() {
    this.camera.reset()
    this.draw()
  }

  remove() {
    cancelAnimationFrame(this.frame)
    this.observer.disconnect()
  }
}

/** A gray laid thinly over a color; "#rrggbb" both ways. */
function over(color, share, gray) {
  const hex = color.startsWith("#") ? color : "#ffffff"
  const mixed = [1, 3, 5].map((at) => Math.round(parseInt(hex.slice(at, at + 2), 16) * (1 - share) + gray * share))
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`
}
