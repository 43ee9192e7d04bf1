// What is drawn around the points: the sphere behind them; rings, lines to neighbors, a lasso and a star over them.
// @ts-nocheck: one renderer takes its place soon

const LATITUDES = [-60, -30, 0, 30, 60]

/** The unit circle, or the unit sphere by its circles of latitude and longitude. */
export function sphere(pen, camera, ratio, dimensions, color) {
  pen.lineWidth = ratio
  pen.strokeStyle = color
  for (const circle of dimensions === 2 ? [ring((t) => [Math.cos(t), Math.sin(t), 0])] : circles()) {
    const count = circle.length / 3
    const [xs, ys, near] = [new Float32Array(count), new Float32Array(count), new Float32Array(count)]
    camera.project(circle, xs, ys, near)
    pen.beginPath()
    for (let i = 0; i < count; i++) pen.lineTo(xs[i] * ratio, ys[i] * ratio)
    pen.stroke()
  }
}

let made = null

function circles() {
  const radians = (degrees) => (degrees * Math.PI) / 180
  made ??= [
    ...LATITUDES.map((degrees) =>
      ring((t) => [Math.cos(radians(degrees)) * Math.cos(t), Math.sin(radians(degrees)), Math.cos(radians(degrees)) * Math.sin(t)]),
    ),
    ...[0, 30, 60, 90, 120, 150].map((degrees) =>
      ring((t) => [Math.cos(t) * Math.cos(radians(degrees)), Math.sin(t), Math.cos(t) * Math.sin(radians(degrees))]),
    ),
  ]
  return made
}

function ring(point) {
  return Float32Array.from(Array.from({ length: 65 }, (_, i) => point((i * Math.PI) / 32)).flat())
}

/** Everything that is marked on a cloud. */
export function overlay(pen, cloud) {
  const { marks, ratio, ink, background } = cloud
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  const star = marks.star && projected(cloud.camera, marks.star)
  const center = star && marks.starred ? star : marks.picked >= 0 ? cloud.place(marks.picked) : null
  if (center && cloud.to) rays(pen, cloud, center)
  if (marks.picked >= 0 && cloud.to) circle(pen, cloud.place(marks.picked), 8.5, 2.6, ink, background)
  if (marks.hovered >= 0 && cloud.to)
    circle(pen, cloud.place(marks.hovered), 7.5, 2, cloud.palette[cloud.classes[marks.hovered]]?.color ?? ink, background)
  if (star) fiveRays(pen, star, ink, background)
  if (marks.lasso.length > 1) rope(pen, marks.lasso, ink)
  pen.setTransform(1, 0, 0, 1, 0, 0)
}

function projected(camera, point) {
  const [x, y, near] = [new Float32Array(1), new Float32Array(1), new Float32Array(1)]
  camera.project(point, x, y, near)
  return [x[0], y[0]]
}

function rays(pen, cloud, [x, y]) {
  pen.strokeStyle = cloud.ink
  pen.globalAlpha = 0.55
  pen.lineWidth = 1
  pen.beginPath()
  for (const i of cloud.marks.neighbors) (pen.moveTo(x, y), pen.lineTo(...cloud.place(i)))
  pen.stroke()
  pen.globalAlpha = 1
  for (const i of cloud.marks.neighbors) circle(pen, cloud.place(i), 5.5, 1.5, cloud.ink, cloud.background)
}

function circle(pen, [x, y], radius, width, color, edge) {
  for (const [stroke, line] of [
    [edge, width + 2],
    [color, width],
  ]) {
    pen.beginPath()
    pen.arc(x, y, radius, 0, 7)
    pen.lineWidth = line
    pen.strokeStyle = stroke
    pen.stroke()
  }
}

function fiveRays(pen, [x, y], ink, edge) {
  pen.beginPath()
  for (let i = 0; i < 10; i++) {
    const [radius, angle] = [i % 2 ? 5 : 12, (i * Math.PI) / 5 - Math.PI / 2]
    pen.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle))
  }
  pen.closePath()
  pen.lineJoin = "round"
  pen.lineWidth = 3.5
  pen.strokeStyle = edge
  pen.stroke()
  pen.fillStyle = ink
  pen.fill()
}

function rope(pen, way, ink) {
  pen.beginPath()
  for (const [x, y] of way) pen.lineTo(x, y)
  pen.closePath()
  pen.globalAlpha = 0.08
  pen.fillStyle = ink
  pen.fill()
  pen.globalAlpha = 0.8
  pen.setLineDash([4, 4])
  pen.lineWidth = 1.5
  pen.strokeStyle = ink
  pen.stroke()
  pen.setLineDash([])
  pen.globalAlpha = 1
}
