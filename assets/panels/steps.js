// How one view came about: all operators up to each one, in order, and below it that operator alone.

import { explain } from "../definitions.js"
import { LatestRequest } from "../api.js"
import { decoded, keep, paint, tile } from "../tiles.js"
import { make, setText } from "../theme.js"

export const names = {
  crop: "crop",
  flip: "flip",
  brightness: "brightness",
  contrast: "contrast",
  saturation: "saturation",
  hue: "hue",
  grayscale: "gray",
  blur: "blur",
  solarize: "solarize",
}

const times = (value) => `× ${value.toFixed(3)}`
const AMOUNTS = {
  crop: ([top, left, tall, wide], facts) =>
    `${(100 * facts.share).toFixed(1)}%: ${wide.toFixed(1)} × ${tall.toFixed(1)} px at ${left.toFixed(1)}, ${top.toFixed(1)}`,
  flip: () => "mirrored",
  brightness: times,
  contrast: times,
  saturation: times,
  hue: (turns) =>
    `${turns < 0 ? "−" : "+"}${Math.abs(turns).toFixed(3)} turns (${turns < 0 ? "−" : "+"}${Math.round(360 * Math.abs(turns))}°)`,
  grayscale: () => "no color",
  blur: (sigma) => `sigma ${sigma.toFixed(2)} px`,
  solarize: () => "bright half inverted",
}
const BRIEF = {
  crop: (_, facts) => `${Math.round(100 * facts.share)}%`,
  flip: () => "mirrored",
  brightness: (value) => `× ${value.toFixed(2)}`,
  contrast: (value) => `× ${value.toFixed(2)}`,
  saturation: (value) => `× ${value.toFixed(2)}`,
  hue: (turns) => `${turns < 0 ? "−" : "+"}${Math.round(360 * Math.abs(turns))}°`,
  grayscale: () => "no color",
  blur: (sigma) => `${sigma.toFixed(1)} px`,
  solarize: () => "inverted",
}

/** What an operator did to a view, in its own units. */
export function amount(name, facts) {
  return AMOUNTS[name](facts[name], facts)
}

export class Steps {
  address = "" // of the steps, still without their view

  constructor() {
    this.title = explain(make("span.ssl-title", "Step by step"), "crop share")
    this.row = make("div.ssl-steps")
    this.element = make(
      "section.ssl-made",
      make(
        "header.ssl-head",
        this.title,
        make("span.ssl-good", "above: everything up to this step, the last is the view · below: this step alone"),
      ),
      this.row,
    )
    this.request = new LatestRequest(
      (body) => this.took(body),
      () => {},
    )
    this.view = 0
  }

  /** Takes the address of the steps, still without their view. */
  from(address) {
    this.address = address
    this.request.ask(`${address}&view=${this.view}`)
  }

  show(view) {
    this.view = view
    if (this.address) this.request.ask(`${this.address}&view=${view}`)
  }

  async took(body) {
    const atlas = await decoded(body)
    const done = ["the image", ...body.operators.map((name) => names[name])]
    setText(this.title, `View ${body.view + 1}, step by step`)
    keep(this.row, done.length, () => make("figure.ssl-step", make("figcaption.ssl-name"), tile(), tile(), make("span.ssl-much"))).forEach(
      (figure, i) => {
        const name = body.operators[i - 1]
        const did = !name || body.facts.did.includes(name)
        const words = name ? (did ? BRIEF[name](body.facts[name], body.facts) : "–") : ""
        const [caption, together, alone, much] = figure.children
        figure.dataset.did = did ? "yes" : ""
        setText(caption, done[i])
        setText(much, words)
        paint(together, atlas, i)
        paint(alone, atlas, done.length + i)
        figure.setAttribute("aria-label", `${done[i]} ${words}`)
      },
    )
  }

  remove() {
    this.request.drop()
  }
}
