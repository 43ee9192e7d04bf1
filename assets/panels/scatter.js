// A canvas of up to a few thousand points that glide from one layout to the next. Knows nothing of runs.
// @ts-nocheck: one renderer takes its place soon

import { extent } from "../embeddings/camera.js"
import { SHAPES } from "../symbols.js"

const GLIDE = 650 // ms from one frame to the next
const MARGIN = 1.08
const REACH = 14 // px within which the pointer finds a point

export class Scatter {
  constructor(canvas, onHover) {
    this.canvas = canvas
    this.pen = canvas.getContext("2d")
    this.onHover = onHover
    this.from = this.to = this.at = new Float32Array(0)
    this.center = [0, 0, 1] // x, y and half the side of what is seen
    this.aim = [0, 0, 1]
    this.zoom = { scale: 1, x: 0, y: 0 }
    this.classes = []
    this.labels = null
    this.lit = null
    this.hovered = -1
    this.began = 0
    this.frame = 0
    this.sprites = []
    this.observer = new ResizeObserver(() => this.resize())
    this.observer.observe(canvas)
    this.listen()
  }

  /** xy: (N, 2) flattened. The same points as before glide there; others stand there at once. */
  move(xy, gliding = true) {
    const count = xy.length
    const known = this.to.length === count
    this.from = known ? Float32Array.from(this.at) : Float32Array.from(xy)
    this.to = Float32Array.from(xy)
    if (!known) this.at = Float32Array.from(xy)
    this.look(!known)
    this.began = known && gliding && !matchMedia("(prefers-reduced-motion: reduce)").matches ? performance.now() : 0
    this.draw()
  }

  /** A window that stays, for points whose whole way is known: [x, y, half the side]. */
  hold(window) {
    this.held = true
    this.aim = this.center = window
  }

  /** The window follows slowly, and only where points leave it or fill too little of it: so motion is real. */
  look(at_once) {
    if (this.held) return
    const [x, y, half] = extent(this.to, 2)
    const wide = Math.max(half, Math.hypot(x - this.aim[0], y - this.aim[1]) + half)
    if (at_once) this.aim = [x, y, half * MARGIN]
    else if (wide > this.aim[2] || half < 0.72 * this.aim[2]) this.aim = [x, y, half * (half > this.aim[2] ? MARGIN : 1.15)]
    this.center0 = at_once ? [...this.aim] : [...this.center]
    if (at_once) this.center = [...this.aim]
  }

  /** labels: (N,); classes: [{ name, color, symbol }]; lit: the classes that stand out, or null for all. */
  paint(labels, classes, lit, background) {
    this.labels = labels
    this.classes = classes
    this.lit = lit
    this.background = background
    this.sprites = classes.map((each) => this.sprite(each))
    this.draw()
  }

  clear() {
    this.from = this.to = this.at = new Float32Array(0)
    this.hovered = -1
    this.zoom = { scale: 1, x: 0, y: 0 }
    this.draw()
  }

  draw() {
    this.frame ||= requestAnimationFrame((now) => this.tick(now))
  }

  tick(now) {
    this.frame = 0
    const part = this.began ? Math.min((now - this.began) / GLIDE, 1) : 1
    const eased = part < 0.5 ? 4 * part ** 3 : 1 - (2 - 2 * part) ** 3 / 2
    for (let i = 0; i < this.to.length; i++) this.at[i] = this.from[i] + (this.to[i] - this.from[i]) * eased
    if (this.center0) this.center = this.aim.map((aim, i) => this.center0[i] + (aim - this.center0[i]) * eased)
    this.render()
    if (part < 1) this.draw()
    else this.began = 0
  }

  render() {
    const { pen, canvas } = this
    const ratio = this.ratio ?? 1
    pen.setTransform(1, 0, 0, 1, 0, 0)
    pen.clearRect(0, 0, canvas.width, canvas.height)
    const dim = (label) => this.lit && !this.lit.has(label)
    for (const lit of this.lit ? [false, true] : [true]) {
      pen.globalAlpha = lit ? 0.88 : 0.12
      for (let i = 0; i < this.at.length / 2; i++) {
        const label = this.labels?.[i] ?? 0
        const sprite = this.sprites[label]
        if (!sprite || dim(label) === lit) continue
        const [x, y] = this.place(i)
        pen.drawImage(sprite, x * ratio - sprite.width / 2, y * ratio - sprite.height / 2)
      }
    }
    pen.globalAlpha = 1
    if (this.hovered >= 0) this.ring(ratio)
  }

  ring(ratio) {
    const [x, y] = this.place(this.hovered)
    this.pen.beginPath()
    this.pen.arc(x * ratio, y * ratio, 8 * ratio, 0, 7)
    this.pen.lineWidth = 2 * ratio
    this.pen.strokeStyle = this.classes[this.labels?.[this.hovered] ?? 0]?.color ?? "#888"
    this.pen.stroke()
  }

  /** Where point i stands, in CSS pixels. */
  place(i) {
    const [cx, cy, half] = this.center
    const { width, height } = this.size ?? { width: 1, height: 1 }
    const unit = (Math.min(width, height) / 2 / half) * this.zoom.scale
    return [width / 2 + (this.at[2 * i] - cx) * unit + this.zoom.x, height / 2 - (this.at[2 * i + 1] - cy) * unit + this.zoom.y]
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect()
    if (!width || !height) return
    this.size = { width, height }
    const ratio = (this.ratio = devicePixelRatio || 1)
    this.canvas.width = Math.round(width * ratio)
    this.canvas.height = Math.round(height * ratio)
    this.sprites = this.classes.map((each) => this.sprite(each))
    this.render()
  }

  /** A symbol drawn once and stamped a thousand times. */
  sprite({ color, symbol, size = 1 }) {
    const ratio = this.ratio ?? 1
    const radius = (this.size?.width < 420 ? 3.1 : 3.9) * size * ratio
    const stamp = document.createElement("canvas")
    stamp.width = stamp.height = Math.ceil(2 * radius + 4 * ratio)
    const pen = stamp.getContext("2d")
    pen.translate(stamp.width / 2, stamp.height / 2)
    pen.beginPath()
    SHAPES[symbol](pen, radius)
    pen.lineWidth = (symbol === "ring" ? 1.8 : 0.7) * size * ratio
    pen.fillStyle = color
    pen.strokeStyle = symbol === "ring" ? color : (this.background ?? "white")
    if (symbol !== "ring") pen.fill()
    pen.stroke()
    return stamp
  }

  listen() {
    const { canvas } = this
    let drag = null
    const local = (event) => {
      const box = canvas.getBoundingClientRect()
      return [event.clientX - box.left, event.clientY - box.top]
    }
    canvas.onpointermove = (event) => {
      const [x, y] = local(event)
      if (drag) {
        this.zoom.x += x - drag[0]
        this.zoom.y += y - drag[1]
        drag = [x, y]
        this.draw()
      } else this.hover(this.nearest(x, y))
    }
    canvas.onpointerdown = (event) => {
      this.hover(this.nearest(...local(event)))
      // On a touch screen a drag scrolls the page; the mouse drags the map.
      if (event.pointerType === "mouse") {
        drag = local(event)
        canvas.setPointerCapture(event.pointerId)
      }
    }
    canvas.onpointerup = canvas.onpointercancel = () => {
      drag = null
    }
    canvas.onpointerleave = () => this.hover(-1)
    canvas.ondblclick = () => this.unzoom()
    canvas.addEventListener(
      "wheel",
      (event) => {
        // Plain wheels scroll the page, unless the map was clicked before.
        if (!event.ctrlKey && document.activeElement !== canvas) return
        event.preventDefault()
        this.magnify(1.0015 ** -event.deltaY, ...local(event))
      },
      { passive: false },
    )
    canvas.onkeydown = (event) => {
      const turn = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
      const count = this.at.length / 2
      if (!turn || !count) return
      event.preventDefault()
      this.hover((this.hovered + turn + count) % count)
    }
  }

  magnify(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const scale = Math.min(Math.max(this.zoom.scale * factor, 0.5), 40)
    const by = scale / this.zoom.scale
    const [ox, oy] = [x - this.size.width / 2, y - this.size.height / 2]
    this.zoom = { scale, x: ox - (ox - this.zoom.x) * by, y: oy - (oy - this.zoom.y) * by }
    this.draw()
  }

  unzoom() {
    this.zoom = { scale: 1, x: 0, y: 0 }
    this.draw()
  }

  nearest(x, y) {
    let [best, reach] = [-1, REACH ** 2]
    for (let i = 0; i < this.at.length / 2; i++) {
      const [px, py] = this.place(i)
      const distance = (px - x) ** 2 + (py - y) ** 2
      if (distance < reach) [best, reach] = [i, distance]
    }
    return best
  }

  hover(i) {
    if (i === this.hovered) return
    this.hovered = i
    this.onHover(i, i >= 0 ? this.place(i) : null)
    this.draw()
  }

  remove() {
    cancelAnimationFrame(this.frame)
    this.observer.disconnect()
  }
}
