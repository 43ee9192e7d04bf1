// A picture under a grid of patches, each of which can be pointed at: with a mouse, a finger or the keyboard.

import { make } from "../theme.js"

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }

export class Patches {
  /** @type {any} */
  picture = null
  keyed = false // whether the keyboard was used last: then its place is marked

  /** on: { begin(patch), over(patches), end() }: one stroke, without a gap, from where it begins. draw(context, side): paints over the picture. */
  constructor(name, on, draw) {
    this.on = on
    this.draw = draw
    this.grid = 1
    this.cursor = 0
    this.last = null // the patch that the stroke has reached; null between strokes
    this.canvas = make("canvas.ssl-patches")
    this.canvas.tabIndex = 0
    this.canvas.setAttribute("role", "application")
    this.canvas.setAttribute("aria-label", name)
    this.canvas.onpointerdown = (event) => this.begin(event)
    this.canvas.onpointermove = (event) => this.move(event)
    this.canvas.onpointerup = this.canvas.onpointercancel = () => this.finish()
    this.canvas.onkeydown = (event) => this.key(event)
    this.canvas.onfocus = this.canvas.onblur = () => this.paint()
    this.observer = new ResizeObserver(() => this.paint())
    this.observer.observe(this.canvas)
  }

  show(picture, grid) {
    this.picture = picture
    this.grid = grid
    this.cursor = Math.min(this.cursor, grid * grid - 1)
    this.paint()
  }

  begin(event) {
    if (event.button > 0) return
    event.preventDefault()
    this.canvas.focus({ preventScroll: true })
    this.canvas.setPointerCapture(event.pointerId)
    this.keyed = false
    this.last = this.cursor = this.at(event)
    this.on.begin(this.last)
  }

  move(event) {
    if (this.last === null) return
    const seen = event.getCoalescedEvents?.() ?? []
    for (const each of seen.length ? seen : [event]) this.reach(this.at(each))
  }

  reach(patch) {
    if (patch === this.last) return
    this.on.over(between(this.last, patch, this.grid))
    this.last = this.cursor = patch
  }

  finish() {
    if (this.last === null) return
    this.last = null
    this.on.end()
  }

  /** Arrows move, Space and Enter act, Shift with arrows goes on with it. */
  key(event) {
    const step = MOVES[event.key]
    if (!step && event.key !== " " && event.key !== "Enter") return
    event.preventDefault()
    this.keyed = true
    if (step) {
      const place = [Math.floor(this.cursor / this.grid), this.cursor % this.grid].map((each, i) =>
        Math.min(Math.max(each + step[i], 0), this.grid - 1),
      )
      const from = this.cursor
      this.cursor = place[0] * this.grid + place[1]
      if (event.shiftKey) this.stroke(from, this.cursor)
    } else this.stroke(this.cursor, this.cursor)
    this.paint()
  }

  stroke(from, to) {
    this.on.begin(from, this.cursor !== from)
    if (to !== from) this.on.over([to])
    this.on.end()
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect()
    const place = (value, size) => Math.min(Math.max(Math.floor((value / size) * this.grid), 0), this.grid - 1)
    return place(event.clientY - box.top, box.height) * this.grid + place(event.clientX - box.left, box.width)
  }

  paint() {
    const side = Math.round(this.canvas.clientWidth * devicePixelRatio)
    if (!side) return
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side
    const context = this.canvas.getContext("2d")
    context.clearRect(0, 0, side, side)
    context.imageSmoothingEnabled = false
    if (this.picture) context.drawImage(this.picture, 0, 0, side, side)
    this.draw(context, side)
    this.lines(context, side)
    if (this.keyed && document.activeElement === this.canvas) outline(context, side, this.grid, this.cursor, "#ffffff")
  }

  lines(context, side) {
    context.beginPath()
    for (let i = 1; i < this.grid; i++) {
      const at = Math.round((i * side) / this.grid) + 0.5
      context.moveTo(at, 0)
      context.lineTo(at, side)
      context.moveTo(0, at)
      context.lineTo(side, at)
    }
    context.strokeStyle = this.grid > 24 ? "rgba(255,255,255,.14)" : "rgba(255,255,255,.28)"
    context.lineWidth = 1
    context.stroke()
  }

  remove() {
    this.observer.disconnect()
  }
}

/** Marks one patch. */
export function outline(context, side, grid, patch, inner) {
  const [row, column] = [Math.floor(patch / grid), patch % grid]
  const edge = (at) => Math.round((at * side) / grid)
  const box = [edge(column) + 1.5, edge(row) + 1.5, edge(column + 1) - edge(column) - 3, edge(row + 1) - edge(row) - 3]
  context.strokeStyle = "#000000"
  context.lineWidth = 5
  context.strokeRect(...box)
  context.strokeStyle = inner
  context.lineWidth = 2.5
  context.strokeRect(...box)
}

/** The patches on the straight way from one to another, without the first (Bresenham, 1965). */
export function between(from, to, grid) {
  let [row, column] = [Math.floor(from / grid), from % grid]
  const [lastRow, lastColumn] = [Math.floor(to / grid), to % grid]
  const [down, across] = [Math.abs(lastRow - row), Math.abs(lastColumn - column)]
  const way = []
  for (let error = across - down; row !== lastRow || column !== lastColumn; way.push(row * grid + column)) {
    const twice = 2 * error
    if (twice > -down) {
      error -= down
      column += Math.sign(lastColumn - column)
    }
    if (twice < across) {
      error += across
      row += Math.sign(lastRow - row)
    }
  }
  return way
}
