import assert from "node:assert/strict"
import test from "node:test"
import { factorOf, inAnyLayer, inLayer, measuredBy, metric, ofMeasure } from "../../../assets/metrics.js"

test("a metric is a measure and a factor, and a factor may hold a slash", () => {
  assert.equal(metric("knn", "shape"), "knn/shape")
  assert.equal(factorOf("knn/a/b"), "a/b")
  assert.equal(measuredBy("knn_balanced", "knn/a/b"), "knn_balanced/a/b")
})

test("of many names, those of one measure are found, and not those whose names only begin alike", () => {
  assert.deepEqual(ofMeasure("knn", new Map([["loss"], ["knn/shape"], ["knn_balanced/shape"], ["knn/color"]]).keys()), [
    "knn/shape",
    "knn/color",
  ])
  assert.deepEqual(ofMeasure("knn", undefined), [])
})

test("the backbone's measures stand alone", () => {
  assert.deepEqual([inLayer("backbone", "uniformity"), inLayer("projector", "uniformity")], ["uniformity", "projector/uniformity"])
  assert.deepEqual(["uniformity", "projector/uniformity"].map(inAnyLayer), ["uniformity", "uniformity"])
})
