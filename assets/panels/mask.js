// The Masking page: pick an image, draw what is hidden, and see what one or two runs make of it.

import { explain } from "../definitions.js"
import { make, setText } from "../theme.js"
import { addressOf } from "../latest.js"
import { Patches } from "./patches.js"
import { Sheet, packed } from "./sheet.js"
import { Sweep } from "./sweep.js"
import { Gaze } from "./gaze.js"

const GRAY = "#808080" // of what is hidden, as methods are shown it
const BRUSHES = { auto: "Draw", hide: "Hide", show: "Show" }
const SETTLED = 250 // ms without a stroke before the page, and its address, hear of the mask

export class MaskPanel {
  constructor(place) {
    this.hidden = []
    this.past = []
    this.brush = "auto"
    this.film = make("div.ssl-film")
    this.film.setAttribute("role", "listbox")
    this.film.setAttribute("aria-label", "images")
    this.patches = new Patches(
      "mask",
      { begin: (...at) => this.begin(...at), over: (at) => this.over(at), end: () => this.end() },
      (context, side) => this.cover(context, side),
    )
    this.counted = make("span.ssl-good.ssl-counted", explain(make("span"), "mask/ratio"))
    this.counted.setAttribute("role", "status")
    this.refusal = make("p.ssl-refusal")
    this.sheets = make("div.ssl-sheets")
    this.drawing = make(
      "section.ssl-draw",
      make("header.ssl-head", make("span.ssl-title", "Draw your own mask"), this.counted),
      this.patches.canvas,
      this.toolbar(),
      this.refusal,
      make(
        "p.ssl-caution",
        "Drag over patches to hide them; begin on a hidden one to show them again. Keyboard: arrows move, Space hides or shows, Shift draws on.",
      ),
    )
    this.gaze = new Gaze()
    this.sweep = new Sweep()
    this.below = make("div.ssl-below", this.sweep.element, this.gaze.element)
    place.append(this.film, make("div.ssl-desk", this.drawing, this.sheets), this.below)
    this.shown = new Map() // run -> its sheet
  }

  toolbar() {
    this.brushes = Object.entries(BRUSHES).map(([brush, name]) =>
      button(
        name,
        () => this.choose(brush),
        { auto: "what the first patch is not", hide: "hide whatever is touched", show: "show whatever is touched" }[brush],
      ),
    )
    const group = make("div.ssl-switch", ...this.brushes)
    group.setAttribute("role", "group")
    group.setAttribute("aria-label", "brush")
    this.undoing = button("Undo", () => this.undo(), "undo (Ctrl+Z)")
    const all = [
      ["Clear", () => this.hidden.map(() => false)],
      ["Invert", () => this.hidden.map((each) => !each)],
      ["Reset", () => bits(this.data.base, this.hidden.length)],
    ]
    const rest = all.map(([name, next]) =>
      button(
        name,
        () => this.replace(next()),
        { Clear: "show all patches", Invert: "swap hidden and visible", Reset: "the mask of strategy, ratio and seed" }[name],
      ),
    )
    return make("div.ssl-tray", group, make("span.ssl-space"), this.undoing, ...rest)
  }

  turn() {}

  update() {
    const { sprites, origin, grid } = this.data
    if (sprites.src !== this.source) this.load(sprites)
    if (origin !== this.origin) {
      this.origin = origin
      this.hidden = bits(this.data.drawn || this.data.base, grid * grid)
      this.drawn = Boolean(this.data.drawn)
      this.past = []
      clearTimeout(this.telling)
    }
    this.choose(this.brush)
    this.lay(this.data.runs)
    this.refresh()
  }

  /** Another set of images to pick from. */
  async load(sprites) {
    this.source = sprites.src
    this.image = this.data.image
    this.atlas = null
    const atlas = new Image()
    atlas.src = addressOf(sprites.src)
    await atlas.decode().catch(() => {})
    if (this.source !== sprites.src) return
    this.atlas = atlas
    this.film.replaceChildren(...Array.from({ length: sprites.count }, (_, i) => this.thumb(i)))
    this.pick(this.image, false)
  }

  thumb(i) {
    const { tile, columns, count } = this.data.sprites
    const element = button("", () => this.pick(i), `image ${i}`)
    element.className = "ssl-frame"
    element.setAttribute("role", "option")
    const [wide, high] = [columns, Math.ceil(count / columns)]
    const at = (place, of) => (of > 1 ? (100 * place) / (of - 1) : 0)
    element.style.background = `url("${this.atlas.src}") ${at(i % columns, wide)}% ${at(Math.floor(i / columns), high)}% / ${100 * wide}% ${100 * high}%`
    element.dataset.tile = tile
    return element
  }

  pick(i, tell = true) {
    this.image = i
    const { tile, columns } = this.data.sprites
    const picture = make("canvas")
    picture.width = picture.height = tile
    picture.getContext("2d").drawImage(this.atlas, (i % columns) * tile, Math.floor(i / columns) * tile, tile, tile, 0, 0, tile, tile)
    this.picture = picture
    for (const [j, frame] of [...this.film.children].entries()) frame.setAttribute("aria-selected", String(i === j))
    const frame = this.film.children[i]
    this.film.scrollTo({ left: frame.offsetLeft - (this.film.clientWidth - frame.offsetWidth) / 2 })
    for (const sheet of this.shown.values()) sheet.forget()
    this.refresh()
    if (tell) this.tell()
  }

  /** One sheet a run; without any, what a network is shown. */
  lay(runs) {
    const wanted = runs.length ? runs.map((run) => run.id) : [""]
    for (const [id, sheet] of this.shown) if (!wanted.includes(id)) (sheet.element.remove(), this.shown.delete(id))
    for (const [i, id] of wanted.entries()) {
      if (!this.shown.has(id)) this.shown.set(id, new Sheet(() => this.shareScale()))
      const sheet = this.shown.get(id)
      sheet.told(runs[i])
      if (this.sheets.children[i] !== sheet.element) this.sheets.insertBefore(sheet.element, this.sheets.children[i] ?? null)
    }
    this.sheets.dataset.count = wanted.length
    this.below.hidden = !runs.length
  }

  /** Everything that follows from image, mask and runs. */
  refresh() {
    if (!this.picture) return
    this.patches.show(this.picture, this.data.grid)
    const count = this.hidden.filter(Boolean).length
    const all = this.hidden.length
    setText(this.counted.firstChild, `${count} of ${all} patches hidden, ${Math.round((100 * count) / all)} %`)
    this.patches.canvas.setAttribute(
      "aria-label",
      `Mask of image ${this.image}: ${this.counted.textContent}. Arrows move, Space hides or shows.`,
    )
    const refusal =
      count === 0
        ? "Hide at least one patch: there is nothing to fill in."
        : count === all
          ? "Leave at least one patch visible: there is nothing to fill in from."
          : ""
    setText(this.refusal, refusal)
    this.sheets.dataset.past = refusal && this.data.runs.length ? "yes" : "" // pictures of the mask before
    this.undoing.disabled = !this.past.length
    const runs = this.data.runs
    const of = runs.length > 1 ? runs[0].id : undefined
    for (const [id, sheet] of this.shown) {
      if (id && !refusal) sheet.ask({ image: this.image, hidden: hex(this.hidden), of })
      if (!id)
        sheet.still(this.picture, covered(this.picture, this.hidden, this.data.grid), packed(this.picture, this.hidden, this.data.grid))
    }
    if (!runs.length) return
    this.sweep.theme = this.theme
    const asked = { image: this.image, of, strategy: this.data.strategy, seed: this.data.seed }
    this.sweep.show(runs, asked, this.data.ratio)
    this.gaze.show(runs, { image: this.image, of }, this.picture, this.data.grid)
  }

  /** Both runs' errors are told by one scale, where they are of one unit. */
  shareScale() {
    const sheets = [...this.shown.values()]
    for (const sheet of sheets) sheet.heat(Math.max(...sheets.filter((each) => each.unit === sheet.unit).map((each) => each.top)))
  }

  cover(context, side) {
    context.fillStyle = GRAY
    const edge = (at) => Math.round((at * side) / this.data.grid)
    this.hidden.forEach((hidden, i) => {
      const [row, column] = [Math.floor(i / this.data.grid), i % this.data.grid]
      if (hidden) context.fillRect(edge(column), edge(row), edge(column + 1) - edge(column), edge(row + 1) - edge(row))
    })
  }

  /** A stroke does to all it touches what it does to the first patch. goesOn: a stroke by keys, whose first patch keeps its state. */
  begin(patch, goesOn = false) {
    this.keep()
    this.hides = this.brush === "hide" || (this.brush === "auto" && (goesOn ? this.hidden[patch] : !this.hidden[patch]))
    if (!goesOn) this.over([patch])
  }

  over(patches) {
    for (const patch of patches) this.hidden[patch] = this.hides
    this.drawn = true
    this.refresh()
  }

  end() {
    this.tell()
  }

  replace(hidden) {
    this.keep()
    this.hidden = hidden
    this.drawn = true
    this.refresh()
    this.tell()
  }

  keep() {
    this.past = [...this.past.slice(-49), [...this.hidden]]
  }

  undo() {
    if (!this.past.length) return
    this.hidden = this.past.pop()
    this.drawn = true
    this.refresh()
    this.tell()
  }

  choose(brush) {
    this.brush = brush
    Object.keys(BRUSHES).forEach((each, i) => this.brushes[i].setAttribute("aria-pressed", String(each === brush)))
    this.patches.canvas.onkeyup = (event) => event.key === "z" && (event.ctrlKey || event.metaKey) && this.undo()
  }

  /** The page writes what is looked at into the address, once the hand rests. */
  tell() {
    clearTimeout(this.telling)
    const text = hex(this.hidden)
    const drawn = this.drawn && text !== this.data.base ? text : ""
    this.telling = setTimeout(() => this.notify("status", { image: this.image, drawn, origin: this.origin }), SETTLED)
  }

  remove() {
    clearTimeout(this.telling)
    this.patches.remove()
    this.gaze.remove()
    this.sweep.remove()
  }
}

export function button(text, act, label = text) {
  const element = make("button.ssl-button", text)
  element.type = "button"
  element.title = label
  element.setAttribute("aria-label", text ? `${text}: ${label}` : label)
  element.onclick = act
  return element
}

/** [true, false, ...] -> "8..", four patches a digit, the first the highest bit. */
function hex(hidden) {
  let text = ""
  for (let i = 0; i < hidden.length; i += 4) text += [0, 1, 2, 3].reduce((sum, j) => 2 * sum + (hidden[i + j] ? 1 : 0), 0).toString(16)
  return text
}

function bits(text, count) {
  return Array.from({ length: count }, (_, i) => Boolean((parseInt(text[i >> 2], 16) >> (3 - (i & 3))) & 1))
}

/** The picture with its hidden patches gray. */
function covered(picture, hidden, grid) {
  const canvas = make("canvas")
  canvas.width = canvas.height = picture.width
  const [context, side] = [canvas.getContext("2d"), picture.width / grid]
  context.drawImage(picture, 0, 0)
  context.fillStyle = GRAY
  hidden.forEach((each, i) => each && context.fillRect((i % grid) * side, Math.floor(i / grid) * side, side, side))
  return canvas
}
