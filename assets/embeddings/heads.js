// Where each head of a ViT looks, in a chosen image, at the step of the clock.

import { explain } from "../definitions.js"
import { make, setText } from "../theme.js"
import { cut } from "../thumbs.js"
import { AttentionView } from "../panels/attention.js"

export class Heads {
  run = ""
  image = 0
  step = 0 // of the clock
  /** @type {number[] | null} whose weights were kept */
  steps = null
  key = "" // of the picture that is shown
  /** @type {HTMLCanvasElement} */
  tile = make("canvas")

  constructor() {
    this.status = make("span.ssl-good")
    this.status.setAttribute("role", "status")
    this.patch = null // null: from the image as a whole
    this.grid = 1
    this.view = new AttentionView(
      (patch) => this.point(patch),
      (found) => this.tell(found),
    )
    this.element = make(
      "section.ssl-part.ssl-attention",
      make("header.ssl-head", explain(make("span.ssl-title", "Where its heads look"), "attention"), this.status),
      this.view.element,
    )
  }

  /** picture: the decoded atlas of the points; step: of the clock. */
  show(run, name, points, picture, image, step) {
    Object.assign(this, { run, image, step })
    setText(this.view.name, name)
    const key = `${run} ${image} ${points.source}`
    if (this.key !== key) {
      this.key = key
      this.tile = cut(picture, points, image)
      this.view.put(this.tile, this.grid, this.patch)
    }
    this.ask()
  }

  point(patch) {
    this.patch = patch
    this.view.mark(patch)
    this.ask()
  }

  /** The weights of some steps are kept: the last of these up to the clock's is looked through. */
  ask() {
    const step = this.steps?.filter((each) => each <= this.step).at(-1) ?? this.steps?.[0]
    this.view.latest.ask(`runs/${this.run}/heads`, { image: this.image, step, patch: this.patch ?? undefined })
  }

  tell(found) {
    const first = !this.steps
    Object.assign(this, { grid: found.grid, steps: found.steps })
    if (first) this.ask()
    this.view.put(this.tile, found.grid, this.patch)
    const from = this.patch === null ? "" : ` from patch ${this.patch}`
    const seen = `Image ${this.image}${from} at step ${found.step.toLocaleString("en-US")}.`
    setText(this.status, `${seen} Click a patch to look from there. Brighter is more, each head by its own scale.`)
  }

  remove() {
    this.view.remove()
  }
}
