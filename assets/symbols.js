// The symbols of classes: hue comes first, and a shape tells apart what hues no longer can.

import { penOf } from "./theme.js"

const polygon = (pen, corners, radius, turn) => {
  for (let i = 0; i < corners; i++) {
    const angle = turn + (i * 2 * Math.PI) / corners
    pen.lineTo(radius * Math.cos(angle), radius * Math.sin(angle))
  }
  pen.closePath()
}
const crossed = (pen, r, turn) => {
  pen.rotate(turn)
  for (const [w, h] of [
    [r * 1.15, r * 0.42],
    [r * 0.42, r * 1.15],
  ])
    pen.rect(-w, -h, 2 * w, 2 * h)
}
const star = (pen, r) => {
  for (let i = 0; i < 10; i++) {
    const [angle, far] = [(i * Math.PI) / 5 - Math.PI / 2, i % 2 ? 0.52 * r : 1.3 * r]
    pen.lineTo(far * Math.cos(angle), far * Math.sin(angle))
  }
  pen.closePath()
}
const heart = (pen, r) => {
  pen.moveTo(0, r * 1.1)
  pen.bezierCurveTo(-r * 2.3, -r * 0.4, -r * 0.8, -r * 1.7, 0, -r * 0.5)
  pen.bezierCurveTo(r * 0.8, -r * 1.7, r * 2.3, -r * 0.4, 0, r * 1.1)
}
export const SHAPES = {
  circle: (pen, r) => pen.arc(0, 0, r, 0, 7),
  square: (pen, r) => pen.rect(-r * 0.88, -r * 0.88, r * 1.76, r * 1.76),
  triangle: (pen, r) => polygon(pen, 3, r * 1.3, -Math.PI / 2),
  down: (pen, r) => polygon(pen, 3, r * 1.3, Math.PI / 2),
  diamond: (pen, r) => polygon(pen, 4, r * 1.25, 0),
  cross: (pen, r) => crossed(pen, r, Math.PI / 4),
  plus: (pen, r) => crossed(pen, r, 0),
  ring: (pen, r) => pen.arc(0, 0, r * 0.8, 0, 7),
  bar: (pen, r) => pen.rect(-r * 1.2, -r * 0.42, r * 2.4, r * 0.84),
  star,
  heart,
}

/** A symbol as legends show it. */
export function symbol({ color, symbol: shape }) {
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = 24
  const pen = penOf(canvas)
  pen.translate(12, 12)
  pen.beginPath()
  SHAPES[shape](pen, 8)
  pen.fillStyle = pen.strokeStyle = color
  pen.lineWidth = 3
  if (shape === "ring") pen.stroke()
  else pen.fill()
  return canvas
}
