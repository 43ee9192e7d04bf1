// Draws the points of a cloud on the graphics card (WebGL2). The card also moves them: a glide sends it nothing but one number a frame.

import { BESIDE_PICTURES, STANDING_BACK, opacityFor } from "./sizes.js"
import { penOf, stampOf } from "./stamps.js"

const ACROSS = 16 // stamps in a row of their texture

// Browsers do not say so where they are asked to (`failIfMajorPerformanceCaveat`); 50,000 points take these twelve times as long as the raster.
const IMITATED = /swiftshader|llvmpipe|softpipe|software|basic render/i

const PLACE = `#version 300 es
precision highp float;
layout(location = 0) in vec3 origin;
layout(location = 1) in vec3 goal;
layout(location = 2) in float style;
uniform float share;      // of the way from origin to goal
uniform vec4 window;      // the middle of what is seen, and half its side
uniform vec4 turned;      // sine and cosine of both angles
uniform vec4 screen;      // pixels a unit, where the middle lies in pixels, perspective
uniform vec2 size;        // of the picture in pixels
uniform float ratio, depth, side, strength;
uniform sampler2D colors;
uniform int columns;      // of the sheet of pictures
out float alpha;
flat out vec4 color;
flat out vec2 corner;     // of the stamp, or of the picture, in its texture

void main() {
  vec3 p = mix(origin, goal, share) - window.xyz;
  float across = turned.y * p.x + turned.x * p.z;
  float deep = turned.y * p.z - turned.x * p.x;
  float up = turned.w * p.y - turned.z * deep;
  float toward = turned.z * p.y + turned.w * deep;
  float scale = screen.x / max(1.0 - toward * screen.w, 0.2);
  vec2 at = (screen.yz + vec2(across, -up) * scale) * ratio;
  gl_Position = vec4(at.x / size.x * 2.0 - 1.0, 1.0 - at.y / size.y * 2.0, 0.0, 1.0);
  gl_PointSize = side;
  alpha = strength * (1.0 - depth * 0.36 * (1.0 - clamp(toward / window.w, -1.0, 1.0)));
  int kind = int(style + 0.5);
  color = texelFetch(colors, ivec2(kind, 0), 0);
  corner = columns > 0 ? vec2(gl_VertexID % columns, gl_VertexID / columns) : vec2(kind % ${ACROSS}, kind / ${ACROSS});
}`

const STAMP = `#version 300 es
precision mediump float;
uniform sampler2D stamps;
uniform vec2 cell;        // of one stamp, as a share of the texture
in float alpha;
flat in vec4 color;
flat in vec2 corner;
out vec4 pixel;
void main() { pixel = texture(stamps, (corner + gl_PointCoord) * cell) * alpha; }`

const TILE = `#version 300 es
precision highp float;
uniform sampler2D sheet;
uniform vec2 cell;        // of one picture, as a share of the sheet
uniform float side, edge, inset; // pixels of the point, of its frame; half a pixel of the sheet as a share of a picture
in float alpha;
flat in vec4 color;
flat in vec2 corner;
out vec4 pixel;
void main() {
  vec2 at = (gl_PointCoord * side - edge) / (side - 2.0 * edge);
  bool framed = any(lessThan(at, vec2(0.0))) || any(greaterThan(at, vec2(1.0)));
  pixel = framed ? color : vec4(texture(sheet, (corner + clamp(at, inset, 1.0 - inset)) * cell).rgb, 1.0);
}`

/** Draws on a canvas of its own, which the cloud then copies: so what lies below and above the points is drawn alike with and without it. */
export class WebGLPainter {
  canvas = document.createElement("canvas")
  /** What the card has of each thing: it is sent again where the cloud has another. */
  sent = new Map()
  side = 0 // of a stamp in its texture
  cell = { width: 1, height: 1 } // the same as shares of the texture

  /**
   * Raises an Error where the browser has no WebGL2, or none that is quick.
   * @param {() => void} lost hears that the card was taken away
   * @param {boolean} slow whether a card that the processor imitates will do
   */
  constructor(lost, slow) {
    this.lost = lost
    this.canvas.addEventListener("webglcontextlost", () => this.lost())
    const options = { antialias: false, depth: false }
    const gl = /** @type {WebGL2RenderingContext | null} */ (this.canvas.getContext("webgl2", options))
    if (!gl) throw new Error("this browser has no WebGL2")
    this.gl = gl
    if (!slow && IMITATED.test(cardOf(gl))) {
      this.remove()
      throw new Error("this browser's graphics card is imitated by the processor")
    }
    this.stampProgram = program(gl, STAMP)
    this.tileProgram = program(gl, TILE)
    this.array = gl.createVertexArray()
    gl.bindVertexArray(this.array)
    this.buffers = ["origin", "goal"].map((_, i) => attribute(gl, i, 3, gl.FLOAT))
    this.styles = attribute(gl, 2, 1, gl.UNSIGNED_SHORT)
    this.index = gl.createBuffer()
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.index)
    this.textures = Object.fromEntries(["stamps", "sheet", "colors"].map((name) => [name, gl.createTexture()]))
    this.largest = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE)[1]
  }

  /**
   * @param {import("./cloud.js").Cloud} cloud
   * @param {CanvasRenderingContext2D} pen of the cloud's canvas
   * @param {((pen: CanvasRenderingContext2D) => void) | null} below draws what lies behind the points
   */
  draw(cloud, pen, below) {
    const { gl, canvas } = this
    const { width, height } = cloud.canvas
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
    gl.viewport(0, 0, width, height)
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
    if (cloud.shown) this.send(cloud)
    const { back, shown } = cloud
    if (cloud.pictures) {
      this.stamps(cloud, 0, back, BESIDE_PICTURES)
      this.tiles(cloud, back, shown)
    } else {
      this.stamps(cloud, 0, back, STANDING_BACK)
      this.stamps(cloud, back, shown, opacityFor(shown))
    }
    pen.fillStyle = cloud.background
    pen.fillRect(0, 0, width, height)
    below?.(pen)
    pen.drawImage(canvas, 0, 0)
  }

  /** Gives the card what has changed since the last frame. */
  send(cloud) {
    const { gl } = this
    this.news("origin", cloud.from, (values) => fill(gl, gl.ARRAY_BUFFER, this.buffers[0], values))
    this.news("goal", cloud.to, (values) => fill(gl, gl.ARRAY_BUFFER, this.buffers[1], values))
    this.news("style", cloud.classes, (values) => fill(gl, gl.ARRAY_BUFFER, this.styles, values))
    this.news("order", cloud.sorted, () => fill(gl, gl.ELEMENT_ARRAY_BUFFER, this.index, cloud.order))
    this.news("colors", cloud.palette, (palette) => this.paint("colors", swatches(palette), gl.NEAREST))
    this.news("stamps", cloud.look, () => this.press(cloud))
    if (cloud.pictures) this.news("sheet", cloud.pictures.picture, (picture) => this.paint("sheet", picture, gl.LINEAR, true))
  }

  news(name, value, send) {
    if (this.sent.get(name) === value) return
    this.sent.set(name, value)
    send(value)
  }

  paint(name, picture, filter, smaller = false) {
    const { gl } = this
    gl.bindTexture(gl.TEXTURE_2D, this.textures[name])
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true)
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, smaller ? gl.LINEAR_MIPMAP_NEAREST : filter)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE)
    if (smaller) gl.generateMipmap(gl.TEXTURE_2D)
  }

  /** One stamp a style, side by side in one texture; all as large as the largest. */
  press(cloud) {
    const stamps = cloud.palette.map((style) => stampOf(style, cloud.radius(style), cloud.background))
    this.side = Math.max(...stamps.map((each) => each.width))
    const rows = Math.ceil(stamps.length / ACROSS)
    const canvas = document.createElement("canvas")
    Object.assign(canvas, { width: this.side * Math.min(stamps.length, ACROSS), height: this.side * rows })
    const pen = penOf(canvas)
    stamps.forEach((each, i) => {
      const middle = Math.floor((this.side - each.width) / 2)
      pen.drawImage(each, (i % ACROSS) * this.side + middle, Math.floor(i / ACROSS) * this.side + middle)
    })
    this.cell = { width: this.side / canvas.width, height: this.side / canvas.height }
    this.paint("stamps", canvas, this.gl.LINEAR)
  }

  stamps(cloud, first, end, strength) {
    if (end <= first) return
    const { gl } = this
    const set = this.begin(this.stampProgram, cloud, { stamps: 0, colors: 1 })
    gl.uniform1f(set("side"), this.side)
    gl.uniform1f(set("strength"), strength)
    gl.uniform1i(set("columns"), 0)
    gl.uniform2f(set("cell"), this.cell.width, this.cell.height)
    gl.drawElements(gl.POINTS, end - first, gl.UNSIGNED_INT, 4 * first)
  }

  tiles(cloud, first, end) {
    if (end <= first) return
    const { gl } = this
    const { picture, tile, columns } = cloud.pictures
    const set = this.begin(this.tileProgram, cloud, { sheet: 0, colors: 1 })
    const edge = Math.max(1, Math.round(cloud.tileSide() / 14))
    gl.uniform1f(set("side"), Math.min(cloud.tileSide() + 2 * edge, this.largest))
    gl.uniform1f(set("edge"), edge)
    gl.uniform1f(set("inset"), 0.5 / tile)
    gl.uniform1f(set("strength"), 1)
    gl.uniform1i(set("columns"), columns)
    gl.uniform2f(set("cell"), tile / picture.naturalWidth, tile / picture.naturalHeight)
    gl.drawElements(gl.POINTS, end - first, gl.UNSIGNED_INT, 4 * first)
  }

  /** Makes a program the current one and tells it where the points are looked at from. Returns how to find its other settings. */
  begin(program, cloud, textures) {
    const { gl } = this
    const { view, ratio, camera } = cloud
    const set = (name) => program.settings[name] ?? null
    gl.useProgram(program.made)
    for (const [name, unit] of Object.entries(textures)) {
      gl.activeTexture(gl.TEXTURE0 + unit)
      gl.bindTexture(gl.TEXTURE_2D, this.textures[name])
      gl.uniform1i(set(name), unit)
    }
    gl.activeTexture(gl.TEXTURE0)
    gl.uniform1f(set("share"), cloud.share)
    gl.uniform4fv(set("window"), camera.window)
    gl.uniform4fv(set("turned"), view.turned)
    gl.uniform4f(set("screen"), view.unit, view.left, view.top, view.perspective)
    gl.uniform2f(set("size"), cloud.canvas.width, cloud.canvas.height)
    gl.uniform1f(set("ratio"), ratio)
    gl.uniform1f(set("depth"), camera.depth)
    return set
  }

  /** Browsers have room for few of them. */
  remove() {
    this.lost = () => {}
    this.gl.getExtension("WEBGL_lose_context")?.loseContext()
  }
}

/** The name of the graphics card, as far as the browser tells. */
function cardOf(gl) {
  const debug = gl.getExtension("WEBGL_debug_renderer_info")
  return String(gl.getParameter(debug ? debug.UNMASKED_RENDERER_WEBGL : gl.RENDERER))
}

function program(gl, paint) {
  const made = gl.createProgram()
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, PLACE],
    [gl.FRAGMENT_SHADER, paint],
  ]) {
    const shader = gl.createShader(kind)
    gl.shaderSource(shader, source)
    gl.compileShader(shader)
    gl.attachShader(made, shader)
  }
  gl.linkProgram(made)
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(`the points' program was refused: ${gl.getProgramInfoLog(made)}`)
  const count = gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS)
  const names = Array.from({ length: count }, (_, i) => gl.getActiveUniform(made, i).name)
  return { made, settings: Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(made, name)])) }
}

function attribute(gl, place, size, type) {
  const buffer = gl.createBuffer()
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer)
  gl.enableVertexAttribArray(place)
  gl.vertexAttribPointer(place, size, type, false, 0, 0)
  return buffer
}

function fill(gl, target, buffer, values) {
  gl.bindBuffer(target, buffer)
  gl.bufferData(target, values, gl.DYNAMIC_DRAW)
}

/** The colors of a palette, a pixel each. */
function swatches(palette) {
  const canvas = document.createElement("canvas")
  Object.assign(canvas, { width: palette.length, height: 1 })
  const pen = penOf(canvas)
  palette.forEach(({ color }, i) => {
    pen.fillStyle = color
    pen.fillRect(i, 0, 1, 1)
  })
  return canvas
}
