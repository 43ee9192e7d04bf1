// Where points of a space of two or three dimensions stand on a canvas. Two dimensions are three, seen from the front.

const MARGIN = 1.08
const ROOM = 1.15 // how much wider than the points a window is after it has come closer
const FAR = 4 // how many radii away the eye is; nearer things look larger
const TILT = [0.55, 0.32] // how three dimensions are looked at, in radians, before somebody turns them

/** Middle and half the side of a cube that holds all but the farthest half percent of points: [...middle, half]. */
export function extent(points, dimensions) {
  const count = points.length / dimensions
  if (!count) return [...new Array(dimensions).fill(0), 1]
  const every = Math.ceil(count / 2000) // as exact as a picture needs it
  const sides = Array.from({ length: dimensions }, (_, axis) => {
    const values = Float32Array.from({ length: Math.ceil(count / every) }, (_, i) => points[dimensions * i * every + axis]).sort()
    const cut = Math.floor(values.length * 0.0025)
    return [values[cut], values[values.length - 1 - cut]]
  })
  return [...sides.map(([low, high]) => (low + high) / 2), Math.max(...sides.map(([low, high]) => high - low), 1e-6) / 2]
}

/** The window of each frame, from their extents: about its middle, and as wide as before unless points leave it or fill less than `least` of it. */
export function windows(extents, least) {
  let side = 0
  return extents.map(([x, y, z, half]) => {
    if (half > side) side = half * MARGIN
    else if (half < least * side) side = half * ROOM
    return [x, y, z, side]
  })
}

export class Camera {
  constructor() {
    this.window = [0, 0, 0, 1] // the middle of what is seen, and half its side
    this.size = { width: 1, height: 1 } // of the canvas in CSS pixels
    this.depth = 0 // 0 is flat, 1 in three dimensions; between them while one becomes the other
    this.zoom = { scale: 1, x: 0, y: 0 }
    this.turned = [...TILT]
  }

  /** Pixels of the canvas that one unit of the space takes. */
  get unit() {
    const { width, height } = this.size
    return (Math.min(width, height) / 2 / this.window[3]) * this.zoom.scale * (1 - 0.13 * this.depth) // the corners of a cube reach farther than its sides
  }

  /** points: (N, 3) flattened -> xs, ys in CSS pixels, and nearness from -1 (far) to 1, each (N,), written in place. */
  project(points, xs, ys, near) {
    const [cx, cy, cz, half] = this.window
    const [sy, cyaw] = [Math.sin(this.turned[0] * this.depth), Math.cos(this.turned[0] * this.depth)]
    const [sp, cp] = [Math.sin(this.turned[1] * this.depth), Math.cos(this.turned[1] * this.depth)]
    const [unit, left, top] = [this.unit, this.size.width / 2 + this.zoom.x, this.size.height / 2 + this.zoom.y]
    const perspective = this.depth / (FAR * half)
    for (let i = 0, j = 0; i < xs.length; i++, j += 3) {
      const [x, y, z] = [points[j] - cx, points[j + 1] - cy, points[j + 2] - cz]
      const across = cyaw * x + sy * z
      const deep = cyaw * z - sy * x
      const up = cp * y - sp * deep
      const toward = sp * y + cp * deep
      const scale = unit / Math.max(1 - toward * perspective, 0.2)
      xs[i] = left + across * scale
      ys[i] = top - up * scale
      near[i] = toward / half
    }
  }

  pan(x, y) {
    this.zoom.x += x
    this.zoom.y += y
  }

  turn(x, y) {
    this.turned[0] += x * 0.008
    this.turned[1] = Math.min(Math.max(this.turned[1] + y * 0.008, -1.5), 1.5)
  }

  /** Nearer by a factor; what is at x, y stays there. */
  magnify(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const scale = Math.min(Math.max(this.zoom.scale * factor, 0.5), 60)
    const by = scale / this.zoom.scale
    const [ox, oy] = [x - this.size.width / 2, y - this.size.height / 2]
    this.zoom = { scale, x: ox - (ox - this.zoom.x) * by, y: oy - (oy - this.zoom.y) * by }
  }

  reset() {
    this.zoom = { scale: 1, x: 0, y: 0 }
    this.turned = [...TILT]
  }
}
