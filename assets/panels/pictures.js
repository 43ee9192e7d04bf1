// What the network sees: the rows of pictures that a snapshot holds, whichever they are.

import { Panel } from "../panel.js"
import { make, setText } from "../theme.js"

const ROWS = { pasted: "reconstruction + visible", local_views: "local views" } // where the name says too little
const VIEWS = ["views", "local_views"]

export default class Pictures extends Panel {
  /** @type {{ step: number, run: string } | null} */
  shown = null

  constructor(place) {
    super()
    this.title = make("span.ssl-title", "What the network sees")
    this.good = make("span.ssl-good")
    this.rows = make("div.ssl-rows")
    this.empty = make("div.ssl-empty")
    this.stage = make("div.ssl-stage", this.rows, this.empty)
    place.append(make("section.ssl-chart", make("header.ssl-head", this.title, this.good), this.stage))
    this.images = new Map()
  }

  turn() {
    this.shown = null
    for (const row of this.images.values()) row.remove()
    this.images.clear()
    setText(this.good, "")
  }

  update(run) {
    const [step, names] = latest(run)
    const waiting = "Two random views of one image are what most methods compare; masked methods show what they paint. They appear here."
    setText(this.empty, this.images.size || names.length ? "" : waiting)
    this.empty.hidden = !this.empty.textContent
    if (step === null || (step === this.shown?.step && run.id === this.shown.run)) return
    this.shown = { step, run: run.id }
    for (const [name, row] of this.images) {
      if (names.includes(name)) continue
      row.remove()
      this.images.delete(name)
    }
    for (const name of names) this.show(run, step, name)
    setText(this.good, names.includes("views") ? `two random views of each image, step ${step}` : `held-out images, step ${step}`)
  }

  /** Loads the next picture beside the present one, so that nothing flickers. */
  show(run, step, name) {
    let row = this.images.get(name)
    if (!row) {
      row = make("figure.ssl-row", make("figcaption.ssl-caption", ROWS[name] ?? name), make("div.ssl-strip", make("img"), make("img")))
      this.images.set(name, row)
      this.rows.append(row)
    }
    const next = new Image()
    next.onload = () => {
      if (this.shown?.step !== step) return
      const tile = (name === "local_views" && run.facts.local_size) || (run.facts.image_size ?? 32)
      place(row, next, next.naturalWidth / tile, next.naturalHeight / tile, `${ROWS[name] ?? name}, step ${step}`)
    }
    next.src = run.address(`snapshots/${step}/${name}.png`)
  }
}

/** Several rows that belong together, as views do, are shown as two blocks below each other: twice as large. */
function place(row, picture, columns, rows, text) {
  const [first, second] = row.querySelectorAll("img")
  const halves = rows > 1 ? 2 : 1
  row.dataset.halves = halves
  for (const image of [first, second]) {
    image.hidden = image === second && halves === 1
    image.style.aspectRatio = `${columns / halves} / ${rows}`
    if (!image.hidden) image.src = picture.src
  }
  first.alt = text
  second.alt = ""
}

/** The newest snapshot that has pictures, and which: what the method makes says more than what it was fed. */
function latest(run) {
  /** @type {[number | null, string[]]} */
  let found = [null, []]
  for (const [step, names] of run?.snapshots ?? []) {
    const made = (run.facts.rows ?? []).filter((name) => names.includes(name))
    const pictures = made.length ? made : VIEWS.filter((name) => names.includes(name))
    if (pictures.length && (found[0] === null || step >= found[0])) found = [step, pictures]
  }
  return found
}
