import assert from "node:assert/strict"
import test from "node:test"
import "../support/browser.js"

const { addMoves } = await import("../../../assets/recorded.js")

test("a recorded map is the sum of all moves up to its frame", () => {
  const frames = [
    [4, -2, 0, 6],
    [1, 0, -3, 0],
    [0, 2, 0, 0],
  ].map((moves) => ({ loss: 1, umap: { scale: 0.5, shape: [2, 2], moves } }))
  addMoves(frames)
  assert.deepEqual(
    frames.map(({ umap }) => [...umap]),
    [
      [2, -1, 0, 3],
      [2.5, -1, -1.5, 3],
      [2.5, 0, -1.5, 3],
    ],
  )
  assert.ok(frames.every(({ umap, loss }) => umap instanceof Float32Array && umap.shape[1] === 2 && loss === 1))
})
