// What one run makes of the drawn mask: its pictures, the error of each patch, and what it says about itself.

import { explain } from "../definitions.js"
import { LatestRequest } from "../api.js"
import { Scale, paintHeat, roundTop } from "../heat.js"
import { bits } from "../patch_mask.js"
import { make, setText } from "../theme.js"

export const ROWS = { pasted: "reconstruction + visible", target: "what it should paint" } // where the name says too little

export class Sheet {
  /** @type {any} */
  run = null
  top = 0 // of the scale of errors
  unit = ""
  /** @type {(number | null)[] | null} a patch; null where nothing is hidden */
  errors = null

  /** scaled(): called when its own scale has grown, so that two sheets can agree on one. */
  constructor(scaled) {
    this.scaled = scaled
    this.title = make("span.ssl-title")
    this.note = make("span.ssl-good")
    this.tiles = make("div.ssl-prints")
    this.borrows = make("p.ssl-borrows")
    this.refusal = make("p.ssl-refusal")
    this.element = make("section.ssl-sheet", make("header.ssl-head", this.title, this.note), this.tiles, this.borrows, this.refusal)
    this.pictures = new Map()
    this.error = new Tile("error per patch", make("canvas"))
    explain(this.error.caption, "patch error")
    this.scale = new Scale("error of each hidden patch")
    this.error.element.append(this.scale.element)
    this.number = explain(make("strong.ssl-number"), "patch error")
    this.words = make("span.ssl-good")
    this.result = make("div.ssl-result", this.number, this.words)
    this.latest = new LatestRequest(
      (found) => this.take(found),
      (sentence) => setText(this.refusal, sentence),
    )
  }

  /** run: { id, title }, or undefined where nobody paints. */
  assign(run) {
    this.run = run
    setText(this.title, run ? run.title : "What the network gets to see")
  }

  /** Another image: the scale begins anew. */
  forget() {
    this.top = 0
  }

  ask(query) {
    this.latest.ask(`runs/${this.run.id}/fill`, query)
  }

  /** Without a run: the picture with its gray patches, and those alone that an encoder like MAE's takes. */
  still(original, masked, visible) {
    this.tile("original", original)
    this.tile("masked", masked)
    this.tile("visible patches only", visible)
    setText(
      this.borrows,
      "Some methods put a mask token in the place of a hidden patch (SimMIM, BEiT); MAE's encoder takes the visible patches alone, as on the right.",
    )
  }

  async take(found) {
    const next = await Promise.all(Object.entries(found.pictures).map(([name, src]) => decoded(name, src)))
    setText(this.refusal, "")
    for (const [name, tile] of this.pictures) {
      if (name in found.pictures) continue
      tile.element.remove()
      this.pictures.delete(name)
    }
    for (const [name, image] of next) this.tile(name, image)
    this.tiles.append(this.error.element, this.result)
    this.tiles.style.setProperty("--tiles", this.pictures.size + 1)
    const hidden = bits(found.hidden, found.errors.length)
    this.unit = found.unit
    this.errors = found.errors.map((value, i) => (hidden[i] ? value : null))
    this.top = Math.max(this.top, roundTop(this.errors))
    this.scaled()
    setText(this.note, `as of step ${found.step.toLocaleString("en-US")}`)
    setText(this.number, precise(found.error))
    const flat =
      found.flat === null
        ? ""
        : ` Predicting the mean patch of this image everywhere has an error of ${precise(found.flat)}. ` +
          "The loss covers only hidden patches: the output for visible ones means little."
    setText(this.words, `${found.unit}, the mean over hidden patches.${flat}`)
    setText(this.borrows, found.borrows)
    this.element.dataset.hidden = found.hidden
  }

  /** A picture by its name, in the place of the old one at once. */
  tile(name, inside) {
    let tile = this.pictures.get(name)
    if (!tile) {
      this.pictures.set(name, (tile = new Tile(ROWS[name] ?? name, inside)))
      this.tiles.append(tile.element)
    } else tile.put(inside)
    inside.setAttribute("role", "img")
    inside.setAttribute(inside.tagName === "IMG" ? "alt" : "aria-label", tile.caption.textContent)
  }

  heat(top) {
    if (!this.errors) return
    paintHeat(this.error.inside, this.errors, top)
    this.scale.show(top)
    this.error.inside.setAttribute("role", "img")
    this.error.inside.setAttribute("aria-label", `error per patch, from 0 to ${precise(top)}`)
  }
}

/** Errors are small: two digits that count. */
export function precise(value) {
  return value === null ? "–" : value >= 1e-3 ? String(+value.toPrecision(2)) : value.toExponential(1)
}

/** A picture with its name below. */
export class Tile {
  constructor(name, inside) {
    this.inside = inside
    this.caption = make("figcaption.ssl-caption", name)
    this.element = make("figure.ssl-print", inside, this.caption)
  }

  put(inside) {
    this.inside.replaceWith(inside)
    this.inside = inside
  }
}

export async function decoded(name, src) {
  const image = new Image()
  image.src = src
  await image.decode()
  return [name, image]
}

/** The visible patches, one after the other, as an encoder takes them. */
export function packed(picture, hidden, grid) {
  const canvas = make("canvas")
  canvas.width = canvas.height = picture.width
  const side = picture.width / grid
  const pen = canvas.getContext("2d")
  const corner = (patch) => [(patch % grid) * side, Math.floor(patch / grid) * side]
  const visible = hidden.flatMap((each, i) => (each ? [] : [i]))
  visible.forEach((from, to) => pen.drawImage(picture, ...corner(from), side, side, ...corner(to), side, side))
  return canvas
}
