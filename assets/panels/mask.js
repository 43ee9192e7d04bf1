// The Masking page: pick an image, draw what is hidden, and see what one or two runs make of it.

import { Panel } from "../panel.js"
import { explain } from "../definitions.js"
import { bits, hex } from "../patch_mask.js"
import { make, percent, setText } from "../theme.js"
import { cut, pictured } from "../thumbs.js"
import { addressOf } from "../api.js"
import { button, buttonGroup } from "../controls.js"
import { Patches } from "./patches.js"
import { Sheet, packed } from "./sheet.js"
import { Ratios } from "./ratios.js"
import { Attention } from "./attention.js"

const GRAY = "#808080" // of what is hidden, as methods are shown it
const BRUSHES = { auto: "Draw", hide: "Hide", show: "Show" }
const SETTLED = 250 // ms without a stroke before the page, and its address, hear of the mask

export default class MaskPanel extends Panel {
  /** @type {HTMLButtonElement[]} */
  brushes = []
  undoing = button("Undo", () => this.undo(), "undo (Ctrl+Z)")
  origin = "" // the strategy, ratio and seed that the mask began with
  source = "" // of the images to pick from
  /** @type {HTMLImageElement | null} their sprite sheet */
  atlas = null
  image = 0
  /** @type {HTMLCanvasElement | null} */
  picture = null
  /** @type {boolean[]} a patch */
  hidden = []
  /** @type {boolean[][]} masks before, for Undo */
  past = []
  drawn = false // by hand
  hides = true // what the stroke under way does
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  telling = undefined

  constructor(place) {
    super()
    this.brush = "auto"
    this.images = make("div.ssl-images")
    this.images.setAttribute("role", "listbox")
    this.images.setAttribute("aria-label", "images")
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
    this.attention = new Attention()
    this.ratios = new Ratios()
    this.below = make("div.ssl-below", this.ratios.element, this.attention.element)
    place.append(this.images, make("div.ssl-desk", this.drawing, this.sheets), this.below)
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
    const group = buttonGroup("brush", this.brushes)
    const clear = button("Clear", () => this.replace(this.hidden.map(() => false)), "show all patches")
    const invert = button("Invert", () => this.replace(this.hidden.map((each) => !each)), "swap hidden and visible")
    const first = () => bits(this.data.base, this.hidden.length)
    const reset = button("Reset", () => this.replace(first()), "the mask of strategy, ratio and seed")
    return make("div.ssl-tray", group, make("span.ssl-space"), this.undoing, clear, invert, reset)
  }

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
    this.images.replaceChildren(...Array.from({ length: sprites.count }, (_, i) => this.thumb(i)))
    this.pick(this.image, false)
  }

  thumb(i) {
    const element = button("", () => this.pick(i), `image ${i}`)
    element.className = "ssl-frame"
    element.setAttribute("role", "option")
    pictured(element, { ...this.data.sprites, source: this.atlas?.src }, i)
    element.dataset.tile = this.data.sprites.tile
    return element
  }

  pick(i, tell = true) {
    this.image = i
    this.picture = cut(this.atlas, this.data.sprites, i)
    for (const [j, frame] of [...this.images.children].entries()) frame.setAttribute("aria-selected", String(i === j))
    const frame = this.images.children[i]
    this.images.scrollTo({ left: frame.offsetLeft - (this.images.clientWidth - frame.offsetWidth) / 2 })
    for (const sheet of this.shown.values()) sheet.forget()
    this.refresh()
    if (tell) this.tell()
  }

  /** One sheet a run; without any, what a network is shown. */
  lay(runs) {
    const wanted = runs.length ? runs.map((run) => run.id) : [""]
    for (const [id, sheet] of this.shown) {
      if (wanted.includes(id)) continue
      sheet.element.remove()
      this.shown.delete(id)
    }
    for (const [i, id] of wanted.entries()) {
      if (!this.shown.has(id)) this.shown.set(id, new Sheet(() => this.shareScale()))
      const sheet = this.shown.get(id)
      sheet.assign(runs[i])
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
    setText(this.counted.firstChild, `${count} of ${all} patches hidden, ${percent(count / all)}`)
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
    this.ratios.theme = this.theme
    const asked = { image: this.image, of, strategy: this.data.strategy, seed: this.data.seed }
    this.ratios.show(runs, asked, this.data.ratio)
    this.attention.show(runs, { image: this.image, of }, this.picture, this.data.grid)
  }

  /** Both runs' errors are drawn on one scale, where they are of one unit. */
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
    const before = this.past.pop()
    if (!before) return
    this.hidden = before
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
    this.attention.remove()
    this.ratios.remove()
  }
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
