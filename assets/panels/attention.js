// Where a patch looks: the attention of the last block, of the patch that somebody points at.

import { explain } from "../definitions.js"
import { LatestRequest } from "../api.js"
import { color, paintHeat } from "../heat.js"
import { make, percent, setText } from "../theme.js"
import { Patches, outline } from "./patches.js"
import { section } from "./ratios.js"

const VEIL = 0.72 // how much of the picture the colors cover

export class Attention {
  query = {} // of all runs: the image, and the run whose probe set it is of

  constructor() {
    this.patch = null
    this.runs = new Map()
    this.places = make("div.ssl-attention-views")
    this.element = section(
      "Attention of a patch",
      "attention",
      "click or drag on the picture. Nothing is hidden here; brighter is where this patch looks more, each head by its own scale",
      this.places,
    )
  }

  show(runs, query, picture, grid) {
    this.query = query
    if (this.patch === null || this.patch >= grid * grid) this.patch = Math.floor(grid / 2) * grid + Math.floor(grid / 2)
    for (const [id, one] of this.runs) {
      if (runs.some((run) => run.id === id)) continue
      one.remove()
      this.runs.delete(id)
    }
    for (const run of runs) {
      if (!this.runs.has(run.id)) {
        const one = new AttentionView((patch) => this.point(patch))
        this.runs.set(run.id, one)
        this.places.append(one.element)
      }
      const same = runs.length > 1 && runs[0].short === runs[1].short
      setText(this.runs.get(run.id).name, same ? `${run.short} ${run.id}` : run.short)
      this.runs.get(run.id).put(picture, grid, this.patch)
    }
    this.ask()
  }

  point(patch) {
    this.patch = patch
    for (const one of this.runs.values()) one.mark(patch)
    this.ask()
  }

  ask() {
    for (const [id, one] of this.runs) one.latest.ask(`runs/${id}/attention`, { ...this.query, patch: this.patch })
  }

  remove() {
    for (const one of this.runs.values()) one.remove()
  }
}

/** AttentionView run's attention: the mean over the picture, each head beside it. patch: null where none was pointed at. */
export class AttentionView {
  /** @type {number | null} the patch that was pointed at; null for the image as a whole */
  patch = null
  /** @type {number[] | null} over the heads, one value a patch */
  mean = null

  /**
   * @param {(patch: number) => void} point somebody pointed at one
   * @param {(found: any) => void} taken an answer has come
   */
  constructor(point, taken = () => {}) {
    this.name = explain(make("span.ssl-layer"), "attention")
    this.patches = new Patches("attention", { begin: point, over: (all) => point(all.at(-1)), end: () => {} }, (context, side) =>
      this.veil(context, side),
    )
    this.heads = make("div.ssl-heads")
    this.refusal = make("p.ssl-refusal")
    this.element = make("div.ssl-attention-view", this.name, make("div.ssl-look", this.patches.canvas, this.heads), this.refusal)
    this.latest = new LatestRequest(
      (found) => {
        taken(found)
        this.take(found)
      },
      (sentence) => setText(this.refusal, sentence),
    )
  }

  put(picture, grid, patch) {
    this.patch = patch
    if (this.mean && this.mean.length !== grid * grid) this.mean = null
    this.patches.show(picture, grid)
  }

  mark(patch) {
    this.patch = patch
    this.patches.paint()
  }

  take(found) {
    setText(this.refusal, "")
    const patch = found.patch ?? this.patch // while a finger moves, an answer may be of a patch before
    const from = patch === null ? "the whole image" : `patch ${patch}`
    const mean = found.heads[0].map((_, i) => found.heads.reduce((sum, head) => sum + head[i], 0) / found.heads.length)
    this.mean = mean
    while (this.heads.children.length > found.heads.length) this.heads.lastChild.remove()
    found.heads.forEach((head, i) => {
      if (!this.heads.children[i])
        this.heads.append(make("figure.ssl-print", make("canvas"), make("figcaption.ssl-caption", `head ${i + 1}`)))
      const canvas = this.heads.children[i].firstChild
      paintHeat(canvas, head, Math.max(...head))
      canvas.setAttribute("role", "img")
      canvas.setAttribute("aria-label", `head ${i + 1}: where ${from} looks`)
    })
    const most = mean.indexOf(Math.max(...mean))
    this.patches.canvas.setAttribute(
      "aria-label",
      `Attention of ${from}: most on patch ${most}, ${percent(mean[most])}. Arrows move, Space chooses.`,
    )
    this.patches.paint()
  }

  veil(context, side) {
    const grid = this.patches.grid
    const edge = (at) => Math.round((at * side) / grid)
    const top = this.mean ? Math.max(...this.mean) : 1
    this.mean?.forEach((value, i) => {
      const [row, column] = [Math.floor(i / grid), i % grid]
      context.fillStyle = `rgba(${color(value / top).join()},${VEIL})`
      context.fillRect(edge(column), edge(row), edge(column + 1) - edge(column), edge(row + 1) - edge(row))
    })
    if (this.patch !== null) outline(context, side, grid, this.patch, "#ffffff")
  }

  remove() {
    this.patches.remove()
    this.element.remove()
  }
}
