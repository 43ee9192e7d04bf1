import assert from "node:assert/strict"
import test from "node:test"
import { Camera, commonWindow, extent, windows } from "../../../assets/points/camera.js"

const near = (found, wanted) => found.forEach((each, i) => assert.ok(Math.abs(each - wanted[i]) < 1e-4, `${found} is not ${wanted}`))

function projected(camera, points) {
  const [xs, ys, deep] = [0, 1, 2].map(() => new Float32Array(points.length / 3))
  camera.project(Float32Array.from(points), xs, ys, deep)
  return [...xs].map((x, i) => [x, ys[i], deep[i]])
}

test("the extent is the middle and half the larger side", () => {
  near(extent(Float32Array.from([0, 0, 4, 2]), 2), [2, 1, 2])
  near(extent(Float32Array.from([-1, 0, 0, 1, 0, 6]), 3), [0, 0, 3, 3])
  assert.deepEqual(extent(new Float32Array(0), 2), [0, 0, 1])
})

test("a few points far away do not stretch the extent", () => {
  const points = new Float32Array(2 * 1000).map((_, i) => (i % 2 ? 0 : (i / 2000) * 2))
  points[0] = 500
  assert.ok(extent(points, 2)[2] < 1.1)
})

test("windows stay as wide as before until points leave them or fill too little", () => {
  const sides = (halves) =>
    windows(
      halves.map((half) => [0, 0, 0, half]),
      0.45,
    ).map(([, , , side]) => side)
  near(sides([1, 0.9, 0.5]), [1.08, 1.08, 1.08])
  near(sides([1, 2]), [1.08, 2.16])
  near(sides([1, 0.1]), [1.08, 0.115])
})

test("a flat camera puts the middle in the middle, up above, and keeps proportions", () => {
  const camera = new Camera()
  camera.size = { width: 200, height: 100 }
  camera.window = [5, 5, 0, 1]
  near(projected(camera, [5, 5, 0])[0], [100, 50, 0])
  near(projected(camera, [6, 6, 0])[0], [150, 0, 0])
})

test("what is at the pointer stays there while it zooms", () => {
  const camera = new Camera()
  camera.size = { width: 200, height: 200 }
  const point = [0.3, -0.4, 0]
  const [x, y] = projected(camera, point)[0]
  camera.magnify(3, x, y)
  near(projected(camera, point)[0], [x, y, 0])
  camera.magnify(1e9)
  assert.equal(camera.zoom.scale, 60)
  camera.reset()
  assert.deepEqual(camera.zoom, { scale: 1, x: 0, y: 0 })
})

test("in three dimensions nearer points look farther apart", () => {
  const camera = new Camera()
  camera.size = { width: 200, height: 200 }
  camera.depth = 1
  camera.turned = [0, 0]
  const [far, close] = [projected(camera, [0.5, 0, -1])[0], projected(camera, [0.5, 0, 1])[0]]
  assert.ok(close[0] - 100 > far[0] - 100)
  near([far[2], close[2]], [-1, 1])
  camera.turn(Math.PI / 0.008 / 2, 0) // a quarter of a turn: what was to the right is now behind
  near(projected(camera, [1, 0, 0])[0].slice(2), [-1])
  camera.turn(0, 1e6)
  assert.equal(camera.turned[1], 1.5)
})

test("half a turn swaps near and far", () => {
  const camera = new Camera()
  Object.assign(camera, { size: { width: 200, height: 200 }, depth: 1, turned: [0, 0] })
  const [close, far] = projected(camera, [1, 0, 0.8, 1, 0, -0.8])
  assert.ok(close[0] > far[0])
  camera.turned = [Math.PI, 0]
  near(projected(camera, [1, 0, 0.8])[0], [200 - far[0], far[1], far[2]])
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
  near(camera.place(point), [left + across * scale, top - up * scale])
})

test("a film's common window holds every frame", () => {
  near(
    commonWindow([
      [0, 0, 0, 1],
      [3, 0, 0, 1],
    ]),
    [1.5, 0, 0, 2.5 * 1.08],
  )
})
