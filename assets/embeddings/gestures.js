// What mouse, fingers and keys do to a cloud: point, pan or turn, zoom and pinch, draw a lasso, step through time.

const STILL = 4 // px that a pointer may move and still be a click
const KEYS = { "+": 1.3, "=": 1.3, "-": 1 / 1.3, _: 1 / 1.3 }

export class Gestures {
  begin = [0, 0] // where the pointer went down
  moved = false // farther than a click would
  /** @type {number[][] | null} the way of a lasso that is being drawn */
  lassoPath = null

  constructor(cloud) {
    this.cloud = cloud
    this.lassoing = false // whether a drag draws a lasso; Shift does so at any time
    this.held = new Map() // pointers that are down: id -> [x, y]
    const { canvas } = cloud
    canvas.addEventListener("pointerdown", (event) => this.down(event))
    canvas.addEventListener("pointermove", (event) => this.move(event))
    canvas.addEventListener("pointerup", (event) => this.up(event))
    canvas.addEventListener("pointercancel", (event) => this.up(event, true))
    canvas.addEventListener("pointerleave", () => this.over(-1))
    canvas.addEventListener("dblclick", () => cloud.whole())
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
    canvas.addEventListener("keydown", (event) => this.key(event))
  }

  local(event) {
    const box = this.cloud.canvas.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }

  over(i) {
    if (i !== this.cloud.marks.hovered) this.cloud.on.hover(i)
  }

  down(event) {
    if (event.button > 0) return
    const at = this.local(event)
    this.held.set(event.pointerId, at)
    this.cloud.canvas.setPointerCapture(event.pointerId)
    this.begin = at
    this.moved = this.held.size > 1
    this.lassoPath = (this.lassoing || event.shiftKey) && this.held.size === 1 ? [at] : null
  }

  move(event) {
    const at = this.local(event)
    const before = this.held.get(event.pointerId)
    if (!before) return this.over(this.cloud.nearest(...at))
    this.moved ||= Math.hypot(at[0] - this.begin[0], at[1] - this.begin[1]) > STILL
    if (this.held.size === 2) this.pinch(event.pointerId, before, at)
    else if (this.lassoPath) this.reach(at)
    else if (this.moved) this.drag(at[0] - before[0], at[1] - before[1], event.ctrlKey)
    this.held.set(event.pointerId, at)
  }

  reach(at) {
    this.lassoPath?.push(at)
    this.cloud.mark({ lasso: this.lassoPath ?? [] })
  }

  /** In three dimensions a drag turns, with Ctrl it pans. */
  drag(x, y, panning) {
    const { camera } = this.cloud
    if (camera.depth > 0.5 && !panning) camera.turn(x, y)
    else camera.pan(x, y)
    this.cloud.draw()
  }

  pinch(id, before, at) {
    const [other] = [...this.held].filter(([each]) => each !== id).map(([, place]) => place)
    const apart = (a) => Math.max(Math.hypot(a[0] - other[0], a[1] - other[1]), 1)
    const middle = (a) => [(a[0] + other[0]) / 2, (a[1] + other[1]) / 2]
    const [from, to] = [middle(before), middle(at)]
    this.cloud.camera.pan(to[0] - from[0], to[1] - from[1])
    this.cloud.magnify(apart(at) / apart(before), ...to)
  }

  up(event, lost = false) {
    if (!this.held.delete(event.pointerId)) return
    const { lassoPath } = this
    this.lassoPath = null
    if (lassoPath) {
      this.cloud.mark({ lasso: [] })
      if (this.moved && !lost) return this.cloud.on.lasso(inside(this.cloud, lassoPath))
    }
    if (!this.moved && !lost) this.cloud.on.pick(this.cloud.nearest(...this.local(event)))
  }

  wheel(event) {
    // Plain wheels scroll the page, unless the map was clicked before.
    if (!event.ctrlKey && document.activeElement !== this.cloud.canvas) return
    event.preventDefault()
    this.cloud.magnify(1.0015 ** -event.deltaY, ...this.local(event))
  }

  /** Left and right step through time, up and down go from point to point, Enter picks, plus and minus zoom, Shift turns. */
  key(event) {
    const { cloud } = this
    const act = event.shiftKey && event.key.startsWith("Arrow") ? () => this.turn(event.key) : this.acts()[event.key]
    if (!act || event.ctrlKey || event.metaKey || event.altKey || !cloud.to) return
    event.preventDefault()
    act()
  }

  acts() {
    const { cloud } = this
    const along = (by) => cloud.on.hover((cloud.marks.hovered + by + cloud.count) % cloud.count)
    return {
      ArrowLeft: () => cloud.on.step(-1),
      ArrowRight: () => cloud.on.step(1),
      ArrowUp: () => along(-1),
      ArrowDown: () => along(1),
      Enter: () => cloud.on.pick(cloud.marks.hovered),
      " ": () => cloud.on.play(),
      Escape: () => cloud.on.clear(),
      ...Object.fromEntries(Object.entries(KEYS).map(([key, factor]) => [key, () => cloud.magnify(factor)])),
    }
  }

  turn(key) {
    const [x, y] = { ArrowLeft: [-24, 0], ArrowRight: [24, 0], ArrowUp: [0, -24], ArrowDown: [0, 24] }[key]
    this.drag(x, y, false)
  }
}

/** The points of a cloud inside a closed way, by crossings of a ray (Shimrat, 1962). */
function inside(cloud, way) {
  const found = []
  for (let i = 0; i < cloud.count; i++) if (within(way, cloud.xs[i], cloud.ys[i])) found.push(i)
  return found
}

function within(way, x, y) {
  let odd = false
  for (let i = 0, j = way.length - 1; i < way.length; j = i++) {
    const [[ax, ay], [bx, by]] = [way[i], way[j]]
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd
  }
  return odd
}
