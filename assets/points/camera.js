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

/**
 * The window of the next frame: about its middle, and as wide as before unless points leave it or fill less than `least` of it. So motion is real.
 * @param {number} side half that of the window before
 * @param {number[]} extent
 */
export function nextWindow(side, extent, least) {
  const [x, y, z, half] = extent
  return [x, y, z, half > side ? half * MARGIN : half < least * side ? half * ROOM : side]
}

/** The window of each frame, from their extents. */
export function windows(extents, least) {
  let side = 0
  return extents.map((extent) => {
    const window = nextWindow(side, extent, least)
    side = window[3]
    return window
  })
}

/** The window that holds all frames of a film: it stands still. */
export function commonWindow(extents) {
  const side = (axis, sign) => Math.max(...extents.map((each) => sign * each[axis] + each[3])) * sign
  const [left, right, low, high] = [side(0, -1), side(0, 1), side(1, -1), side(1, 1)]
  return [(left + right) / 2, (low + high) / 2, 0, (MARGIN * Math.max(right - left, high - low)) / 2]
}

export class Camera {
  window = [0, 0, 0, 1] // the middle of what is seen, and half its side
  size = { width: 1, height: 1 } // of the canvas in CSS pixels
  depth = 0 // 0 is flat, 1 in three dimensions; between them while one becomes the other
  zoom = { scale: 1, x: 0, y: 0 }
  turned = [...TILT]

  /** Pixels of the canvas that one unit of the space takes. */
  get unit() {
    const { width, height } = this.size
    return (Math.min(width, height) / 2 / this.window[3]) * this.zoom.scale * (1 - 0.13 * this.depth) // the corners of a cube reach farther than its sides
  }

  /** What a projection is made of; both painters and the pointer go by it. turned: sine and cosine of both angles. */
  view() {
    const [yaw, pitch] = this.turned.map((angle) => angle * this.depth)
    return {
      turned: [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)],
      unit: this.unit,
      left: this.size.width / 2 + this.zoom.x,
      top: this.size.height / 2 + this.zoom.y,
      perspective: this.depth / (FAR * this.window[3]),
    }
  }

  /**
   * Where points stand, written in place.
   * @param {ArrayLike<number>} points (N, 3) flattened
   * @param {Float32Array} xs (N,) in CSS pixels
   * @param {Float32Array} ys (N,)
   * @param {Float32Array} near (N,) from -1 (far) to 1
   */
  project(points, xs, ys, near) {
    const [cx, cy, cz, half] = this.window
    const { turned, unit, left, top, perspective } = this.view()
    const [sy, cyaw, sp, cp] = turned
    for (let i = 0, j = 0; i < xs.length; i++, j += 3) {
      const x = points[j] - cx
      const y = points[j + 1] - cy
      const z = points[j + 2] - cz
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

  /** Where one point [x, y, z] stands: [x, y] in CSS pixels. */
  place(point) {
    const [xs, ys, near] = [new Float32Array(1), new Float32Array(1), new Float32Array(1)]
    this.project(point, xs, ys, near)
    return [xs[0], ys[0]]
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
