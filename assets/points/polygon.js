// Which points lie inside a way that a hand has drawn.

/**
 * By crossings of a ray (Shimrat, 1962).
 * @param {number[][]} way corners [x, y]; the last is joined to the first
 * @param {Float32Array} xs (N,)
 * @param {Float32Array} ys (N,)
 * @returns {number[]} the numbers of the points, in order
 */
export function inside(way, xs, ys) {
  const [left, right] = [Math.min(...way.map(([x]) => x)), Math.max(...way.map(([x]) => x))]
  const [top, bottom] = [Math.min(...way.map(([, y]) => y)), Math.max(...way.map(([, y]) => y))]
  const found = []
  for (let i = 0; i < xs.length; i++) {
    const boxed = xs[i] >= left && xs[i] <= right && ys[i] >= top && ys[i] <= bottom // most points are outside even that
    if (boxed && within(way, xs[i], ys[i])) found.push(i)
  }
  return found
}

function within(way, x, y) {
  let odd = false
  for (let i = 0, j = way.length - 1; i < way.length; j = i++) {
    const [[ax, ay], [bx, by]] = [way[i], way[j]]
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd
  }
  return odd
}
