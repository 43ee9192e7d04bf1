// Finds the point nearest to a place among very many: points are sorted into the cells of a grid, and only cells near the place are searched.

const CELL = 16 // px, the side of a cell

export class Grid {
  constructor() {
    this.xs = this.ys = new Float32Array(0)
    this.columns = this.rows = 0
    this.starts = new Uint32Array(1) // where each cell begins in `order`, and where the last one ends
    this.order = new Uint32Array(0)
  }

  /**
   * Sorts points into cells, by counting them first. What lies more than a cell outside the picture is left out.
   * @param {Float32Array} xs (N,) in CSS pixels; read again by `nearest`
   * @param {Float32Array} ys (N,)
   * @param {number} width of the picture
   * @param {number} height
   */
  fill(xs, ys, width, height) {
    Object.assign(this, { xs, ys, columns: Math.ceil(width / CELL) + 2, rows: Math.ceil(height / CELL) + 2 })
    if (this.order.length < xs.length) this.order = new Uint32Array(xs.length)
    const starts = new Uint32Array(this.columns * this.rows + 1)
    const cells = new Int32Array(xs.length)
    for (let i = 0; i < xs.length; i++) {
      cells[i] = this.cell(xs[i], ys[i])
      if (cells[i] >= 0) starts[cells[i] + 1] += 1
    }
    for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1]
    const next = starts.slice()
    for (let i = 0; i < cells.length; i++) if (cells[i] >= 0) this.order[next[cells[i]]++] = i
    this.starts = starts
  }

  /** The number of the cell at a place, -1 outside the grid. */
  cell(x, y) {
    const column = Math.floor(x / CELL) + 1
    const row = Math.floor(y / CELL) + 1
    return column >= 0 && row >= 0 && column < this.columns && row < this.rows ? row * this.columns + column : -1
  }

  /** The nearest point that is less than `reach` px away, -1 where there is none; of equally near ones the first. */
  nearest(x, y, reach) {
    let [best, least] = [-1, reach ** 2]
    const inside = (value, count) => Math.min(Math.max(value, 0), count - 1)
    const [left, right] = [x - reach, x + reach].map((each) => inside(Math.floor(each / CELL) + 1, this.columns))
    const [top, bottom] = [y - reach, y + reach].map((each) => inside(Math.floor(each / CELL) + 1, this.rows))
    for (let row = top; row <= bottom; row++) {
      // Cells of one row lie side by side in `order`.
      const end = this.starts[row * this.columns + right + 1]
      for (let at = this.starts[row * this.columns + left]; at < end; at++) {
        const i = this.order[at]
        const distance = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2
        if (distance < least || (distance === least && i < best)) [best, least] = [i, distance]
      }
    }
    return best
  }
}
