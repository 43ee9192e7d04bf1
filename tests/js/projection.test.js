import assert from "node:assert/strict"
import { test } from "node:test"
import "./support/modules.js"

const { Camera, commonWindow, extent, nextWindow, windows } = await import("../../assets/points/camera.js")

function seen(camera, points) {
  const count = points.length / 3
  const [xs, ys, near] = [0, 0, 0].map(() => new Float32Array(count))
  camera.project(points, xs, ys, near)
  return { xs, ys, near }
}

const close = (a, b, by = 1e-3) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`)

test("a flat camera puts the middle of its window into the middle of the canvas, up above it", () => {
  const camera = new Camera()
  camera.size = { width: 400, height: 200 }
  camera.window = [3, -1, 0, 2]
  const { xs, ys } = seen(camera, [3, -1, 0, 3, 1, 0, 5, -1, 0])
  assert.deepEqual([...xs], [200, 200, 300])
  assert.deepEqual([...ys], [100, 0, 100])
})

test("a zoom leaves what is under the pointer where it is, and none goes beyond its limits", () => {
  const camera = new Camera()
  camera.size = { width: 400, height: 200 }
  const point = [0.3, 0.2, 0]
  const [x, y] = camera.place(point)
  camera.magnify(3, x, y)
  camera.pan(5, -7)
  close(camera.place(point)[0], x + 5)
  close(camera.place(point)[1], y - 7)
  for (let i = 0; i < 50; i++) camera.magnify(10)
  assert.equal(camera.zoom.scale, 60)
  camera.reset()
  assert.deepEqual(camera.place(point), [x, y])
})

test("in space nearer points are larger apart, and a turn by half a circle swaps near and far", () => {
  const camera = new Camera()
  Object.assign(camera, { size: { width: 200, height: 200 }, depth: 1, turned: [0, 0] })
  const points = [1, 0, 0.8, 1, 0, -0.8]
  const before = seen(camera, points)
  assert.ok(before.xs[0] > before.xs[1] && before.near[0] > before.near[1])
  camera.turned = [Math.PI, 0]
  const after = seen(camera, points)
  close(after.near[0], before.near[1])
  close(after.xs[0] - 100, -(before.xs[1] - 100))
})

test("what both painters are told of a camera gives the same places as the camera", () => {
  const camera = new Camera()
  Object.assign(camera, { size: { width: 300, height: 200 }, depth: 1, window: [0.1, 0.2, -0.1, 1.4] })
  camera.magnify(1.7, 20, 30)
  const { turned, unit, left, top, perspective } = camera.view()
  const point = [0.5, -0.4, 0.9]
  const [x, y, z] = point.map((each, i) => each - camera.window[i])
  const [across, deep] = [turned[1] * x + turned[0] * z, turned[1] * z - turned[0] * x]
  const [up, toward] = [turned[3] * y - turned[2] * deep, turned[2] * y + turned[3] * deep]
  const scale = unit / Math.max(1 - toward * perspective, 0.2) // as the program for the graphics card has it
  close(camera.place(point)[0], left + across * scale)
  close(camera.place(point)[1], top - up * scale)
})

test("a window grows at once and comes closer only when points fill too little of it", () => {
  assert.equal(nextWindow(0, [0, 0, 0, 1], 0.5)[3], 1.08)
  assert.equal(nextWindow(1.08, [0, 0, 0, 0.6], 0.5)[3], 1.08)
  close(nextWindow(1.08, [0, 0, 0, 0.5], 0.5)[3], 0.575)
  assert.deepEqual(
    windows(
      [
        [0, 0, 0, 1],
        [4, 0, 0, 0.9],
      ],
      0.5,
    ).map((each) => [each[0], each[3]]),
    [
      [0, 1.08],
      [4, 1.08],
    ],
  )
})

test("a film's common window holds every frame", () => {
  const [x, y, z, half] = commonWindow([
    [0, 0, 0, 1],
    [3, 0, 0, 1],
  ])
  assert.deepEqual([x, y, z], [1.5, 0, 0])
  close(half, 2.5 * 1.08)
})

test("an extent holds all but the farthest points, and nothing has one, too", () => {
  const points = Float32Array.from({ length: 3000 }, (_, i) => (i === 2997 ? 1e6 : (i % 3) - 1 + (Math.floor(i / 3) % 10) / 10))
  assert.ok(extent(points, 3)[3] < 10)
  assert.deepEqual(extent(new Float32Array(0), 3), [0, 0, 0, 1])
})
