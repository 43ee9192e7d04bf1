// Which of the two painters draws the points of a cloud: both draw the same picture.

import { RasterPainter } from "./raster.js"
import { WebGLPainter } from "./webgl.js"

/**
 * The graphics card where there is one. Where the processor only imitates one the raster is quicker.
 * @param {string} wanted "webgl" or "raster", whatever is quicker; "" for that
 * @param {() => void} lost hears that the graphics card can draw no longer
 */
export function painterFor(wanted, lost = () => {}) {
  if (wanted !== "raster")
    try {
      return new WebGLPainter(lost, wanted === "webgl")
    } catch (error) {
      if (wanted === "webgl") throw error
    }
  return new RasterPainter()
}
