import assert from "node:assert/strict"
import test from "node:test"

const { Grid } = await import("../../../assets/points/grid.js")

/** Numbers from 0 to 1 that are the same every time. */
function random(seed) {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647
}

function scattered(count, seed = 1) {
  const next = random(seed)
  return [800, 500].map((side) => Float32Array.from({ length: count }, () => next() * side * 1.2 - side * 0.1))
}

/** What the grid has to find, looked for among all. */
function among(xs, ys, x, y, reach) {
  let [best, least] = [-1, reach ** 2]
  xs.forEach((_, i) => {
    const distance = (xs[i] - x) ** 2 + (ys[i] - y) ** 2
    if (distance < least) [best, least] = [i, distance]
  })
  return best
}

test("the grid finds the same point as a look at all of them", () => {
  const [xs, ys] = scattered(5000)
  const [grid, next] = [new Grid(), random(7)]
  grid.fill(xs, ys, 800, 500)
  for (let i = 0; i < 500; i++) {
    const [x, y] = [next() * 800, next() * 500]
    for (const reach of [3, 14, 40]) assert.equal(grid.nearest(x, y, reach), among(xs, ys, x, y, reach))
  }
})

test("nothing is found where no point is near, and points may all lie on one spot", () => {
  const grid = new Grid()
  assert.equal(grid.nearest(5, 5, 14), -1)
  grid.fill(Float32Array.of(100, 100, 100), Float32Array.of(50, 50, 50), 800, 500)
  assert.equal(grid.nearest(100, 65, 14), -1)
  assert.equal(grid.nearest(100, 60, 14), 0)
  assert.equal(grid.nearest(-1e6, NaN, 14), -1)
})

test("points far outside the picture are left out, those just beside its edge are found", () => {
  const grid = new Grid()
  grid.fill(Float32Array.of(-5000, -4, NaN), Float32Array.of(20, 20, 20), 800, 500)
  assert.equal(grid.nearest(0, 20, 14), 1)
  assert.equal(grid.nearest(-5000, 20, 14), -1)
})

test("a grid is filled again with other points and another size", () => {
  const grid = new Grid()
  grid.fill(...scattered(5000), 800, 500)
  const [xs, ys] = scattered(300, 5)
  grid.fill(xs, ys, 400, 250)
  assert.equal(grid.nearest(200, 100, 30), among(xs, ys, 200, 100, 30))
})
