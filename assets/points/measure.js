// How fast a map of many points is: for `ssl-playground bench`, not for any page.

import { Cloud } from "./cloud.js"

const THEME = { background: "#ffffff", text: "#1a1f26", dark: false }
const COLORS = Array.from({ length: 8 }, (_, i) => `#${(0x1a1a1a * (i + 1)).toString(16).padStart(6, "0")}`) // eight grays
const PATIENCE = 30 // seconds until everything has been compiled, at most
const SPAN = 560 // ms of a glide, as the pages have it

/**
 * Points glide from layout to layout for some seconds. Frames a second, and milliseconds until the point under the pointer is found: the
 * 95th percentile over a moving map, where every search has to sort the points anew.
 * @param {{ count: number, width: number, height: number, seconds: number, painter: string, deep?: boolean }} what
 */
export async function measure({ count, width, height, seconds, painter, deep = false }) {
  const canvas = document.createElement("canvas")
  Object.assign(canvas.style, { display: "block", width: `${width}px`, height: `${height}px` })
  document.body.replaceChildren(canvas)
  const cloud = new Cloud(canvas, {}, painter)
  cloud.clear(count)
  cloud.paint(
    Uint16Array.from({ length: count }, (_, i) => i % COLORS.length),
    COLORS.map((color) => ({ color, symbol: "circle" })),
    null,
    THEME,
  )
  const layouts = [0, 1].map(() => Float32Array.from({ length: 3 * count }, (_, i) => (i % 3 < 2 || deep ? normal() : 0)))
  const pace = await glides(cloud, layouts, seconds, deep)
  const found = { fps: pace, hover: hovers(cloud, width, height), kind: cloud.painter.constructor.name }
  cloud.remove()
  return found
}

async function glides(cloud, layouts, seconds, deep) {
  const last = performance.now() + 1000 * (seconds + PATIENCE)
  let [turn, begun, drawn] = [0, 0, 0]
  for (let now = await frame(); now < last && (!begun || now - begun < 1000 * seconds); now = await frame()) {
    if (!cloud.way) cloud.glide(layouts[turn++ % 2], [0, 0, 0, 3.2], { flat: !deep, span: SPAN, even: true })
    if (turn === 3 && !begun) [begun, drawn] = [now, cloud.frames] // everything has been compiled, and sent to the card
  }
  return ((cloud.frames - drawn) / (performance.now() - begun)) * 1000
}

/** The time of the next frame; a window that is not seen has none. */
function frame() {
  return new Promise((resolve) => {
    requestAnimationFrame(resolve)
    setTimeout(() => resolve(performance.now()), 1000)
  })
}

function hovers(cloud, width, height) {
  const times = Array.from({ length: 60 }, () => {
    cloud.render()
    const begun = performance.now()
    cloud.nearest(Math.random() * width, Math.random() * height)
    return performance.now() - begun
  })
  return times.sort((a, b) => a - b)[Math.floor(0.95 * times.length)]
}

/** A number of the normal distribution (Box and Muller, 1958). */
function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
}
