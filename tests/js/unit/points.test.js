import assert from "node:assert/strict"
import test from "node:test"
import { framed } from "../support/browser.js"

const { byRegion, paintOrder } = await import("../../../assets/points/order.js")
const { readFrame, spatial } = await import("../../../assets/points/frame.js")
const { inside } = await import("../../../assets/points/polygon.js")
const { pictureFor, radiusFor } = await import("../../../assets/points/sizes.js")

const sorted = (order) => [...order].sort((a, b) => a - b)

test("what stands back is painted first, and in space the far before the near", () => {
  const order = new Uint32Array(6)
  assert.equal(paintOrder(order, null, null), 0)
  assert.deepEqual([...order], [0, 1, 2, 3, 4, 5])
  assert.equal(paintOrder(order, Uint8Array.of(1, 0, 1, 0, 1, 1), null), 2)
  assert.deepEqual([...order], [1, 3, 0, 2, 4, 5])
  const near = Float32Array.of(0.9, 0.5, -0.9, -9, 9, 0)
  assert.equal(paintOrder(order, Uint8Array.of(1, 0, 1, 0, 1, 1), near), 2)
  assert.deepEqual([...order], [3, 1, 2, 5, 0, 4])
})

test("a painting by regions leaves no point out and keeps the order within a region", () => {
  const count = 1000
  const [xs, ys] = [7, 11].map((step) => Float32Array.from({ length: count }, (_, i) => ((i * step * 13) % 700) - 100))
  const order = Uint32Array.from({ length: count }, (_, i) => count - 1 - i)
  const regions = byRegion(order, xs, ys, 500, 500)
  assert.deepEqual(sorted(regions), sorted(order))
  const here = [...regions].filter((i) => xs[i] > 64 && xs[i] < 128 && ys[i] > 64 && ys[i] < 128)
  assert.ok(here.length > 1)
  assert.deepEqual(here, sorted(here).reverse())
})

test("a lasso holds the points inside it, however it winds", () => {
  const [xs, ys] = [Float32Array.of(1, 5, 5, 20), Float32Array.of(1, 5, 1, 5)]
  const square = [
    [0, 0],
    [10, 0],
    [10, 10],
    [0, 10],
  ]
  assert.deepEqual(inside(square, xs, ys), [0, 1, 2])
  assert.deepEqual(inside([...square].reverse(), xs, ys), [0, 1, 2])
  assert.deepEqual(
    inside(
      [
        [0, 0],
        [10, 0],
        [10, 10],
        [4, 2],
        [0, 10],
      ],
      xs,
      ys,
    ),
    [0, 2],
  )
  assert.deepEqual(inside([], xs, ys), [])
})

test("a binary frame says where its points lie, and what else is known of it", () => {
  const found = readFrame(framed([-1, 20, 1, 10], [2, 2], { kept: 0.5 }))
  assert.equal(found.facts.kept, 0.5)
  assert.deepEqual([...found.places], [-1, 20, 1, 10])
  assert.deepEqual(found.places.shape, [2, 2])
})

test("a plane lies at depth zero, and what is no number stands in the middle", () => {
  assert.deepEqual([...spatial([1, 2, NaN, 4], 2)], [1, 2, 0, 0, 4, 0])
  assert.deepEqual([...spatial([1, 2, 3], 3)], [1, 2, 3])
})

test("the more points there are, the smaller they are; a zoom enlarges pictures, up to a limit", () => {
  const radii = [1000, 4000, 10_000, 50_000].map((count) => radiusFor(count, 800))
  assert.deepEqual(
    radii,
    [...radii].sort((a, b) => b - a),
  )
  assert.ok(radiusFor(1000, 390) < radiusFor(1000, 800))
  assert.ok(pictureFor(1000, 4) > pictureFor(1000, 1))
  assert.equal(pictureFor(1000, 60), 64)
})
