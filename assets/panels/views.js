// Many views of one image: where each was cut, everything that was done to it, and how the chosen one came about.

import { Panel } from "../panel.js"
import { explain } from "../definitions.js"
import { LatestRequest } from "../api.js"
import { decoded, keep, paint, tile } from "../tiles.js"
import { make, percent, setText } from "../theme.js"
import { Steps, amount, names } from "./steps.js"

const SVG = "http://www.w3.org/2000/svg"

export default class Views extends Panel {
  /** @type {any} */
  body = null

  constructor(place) {
    super()
    this.place = place
    this.title = make("span.ssl-title", "The image")
    this.labels = make("span.ssl-good")
    this.original = tile("the original image")
    this.boxes = document.createElementNS(SVG, "svg")
    this.boxes.setAttribute("preserveAspectRatio", "none")
    this.boxes.setAttribute("aria-hidden", "true")
    this.who = explain(make("strong.ssl-who"), "crop share")
    this.facts = make("dl.ssl-decided")
    this.facts.setAttribute("aria-live", "polite")
    this.good = make("span.ssl-good")
    this.grid = make("div.ssl-tiles")
    this.local = make("div.ssl-tiles.ssl-small")
    this.localTitle = make(
      "header.ssl-head",
      make("span.ssl-title", "Local views"),
      make("span.ssl-good", "small crops that have to agree with the large ones"),
    )
    this.localTitle.hidden = true
    this.failure = make("p.ssl-failure")
    this.failure.setAttribute("role", "status")
    this.failure.hidden = true
    const left = make(
      "section.ssl-from",
      make("header.ssl-head", this.title, this.labels),
      make("div.ssl-original", this.original, this.boxes),
      this.who,
      this.facts,
    )
    this.steps = new Steps()
    const right = make(
      "section.ssl-into",
      make("header.ssl-head", explain(make("span.ssl-title", "Its views"), "crop share"), this.good),
      this.grid,
      this.localTitle,
      this.local,
      this.steps.element,
    )
    place.append(this.failure, make("div.ssl-looking", left, right))
    this.request = new LatestRequest(
      (body) => this.took(body),
      (sentence) => this.failed(sentence),
    )
    this.chosen = { kind: "views", place: 0 }
    this.pointed = null
    for (const [kind, grid] of [
      ["views", this.grid],
      ["local", this.local],
    ])
      this.listen(kind, grid)
  }

  update() {
    this.request.ask(this.data.address)
    this.steps.from(this.data.steps)
    this.mark()
  }

  async took(body) {
    const atlases = await Promise.all([body.original, body.views, body.local].map((atlas) => atlas && decoded(atlas)))
    this.body = body
    this.failure.hidden = true
    this.place.dataset.failed = ""
    paint(this.original, atlases[0], 0)
    this.fill(this.grid, "views", atlases[1])
    this.fill(this.local, "local", atlases[2])
    this.localTitle.hidden = this.local.hidden = !body.local
    setText(this.title, `Image ${body.image.index}`)
    setText(this.labels, `of ${body.image.count.toLocaleString("en-US")} · ${Object.values(body.image.labels).join(", ")}`)
    setText(
      this.good,
      body.unequal
        ? "two by two: the first and the second view of a pair are drawn differently"
        : "what differs between them is what a network learns to ignore",
    )
    if (!body[this.chosen.kind] || this.chosen.place >= body[this.chosen.kind].count) this.chosen = { kind: "views", place: 0 }
    if (this.pointed && !body[this.pointed.kind]?.facts[this.pointed.place]) this.pointed = null
    this.draw()
    this.mark()
    this.steps.show(this.chosen.kind === "views" ? this.chosen.place : 0)
  }

  failed(sentence) {
    setText(this.failure, sentence)
    this.failure.hidden = false
    this.place.dataset.failed = "yes"
  }

  fill(grid, kind, atlas) {
    keep(grid, atlas?.count ?? 0, () => {
      const button = make("button.ssl-view", tile())
      button.type = "button"
      return button
    }).forEach((button, place) => {
      paint(button.firstChild, atlas, place)
      button.setAttribute("aria-label", `${this.called(kind, place)}: ${this.words(kind, place)}`)
    })
  }

  called(kind, place) {
    if (kind === "local") return `Local view ${place + 1}`
    return `View ${place + 1}${this.body.unequal ? `, the ${place % 2 ? "second" : "first"} of its pair` : ""}`
  }

  words(kind, place) {
    const facts = this.body[kind].facts[place]
    return facts.did.map((name) => `${names[name]} ${amount(name, facts)}`.trim()).join(", ") || "the image as it is"
  }

  /** Pointing and focus show a view for as long as they last; a click, a touch, or Enter keeps it. Arrow keys go from view to view. */
  listen(kind, grid) {
    const at = (event) => {
      const button = event.target.closest?.("button")
      return button ? { kind, place: [...grid.children].indexOf(button) } : null
    }
    grid.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.point(at(event)))
    grid.addEventListener("pointerleave", () => this.point(null))
    grid.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && this.point(at(event)))
    grid.addEventListener("focusout", () => this.point(null))
    grid.addEventListener("click", (event) => at(event) && this.choose(at(event)))
    grid.addEventListener("keydown", (event) => this.walk(event, grid, at(event)))
  }

  walk(event, grid, at) {
    const across = getComputedStyle(grid).gridTemplateColumns.split(" ").length
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key]
    const next = at && step && grid.children[at.place + step]
    if (!next) return
    event.preventDefault()
    next.focus()
  }

  point(at) {
    this.pointed = at
    this.mark()
  }

  choose(at) {
    this.chosen = at
    this.mark()
    if (at.kind === "views") this.steps.show(at.place)
  }

  /** A box for each view. */
  draw() {
    const { width, height } = this.body.image
    this.boxes.setAttribute("viewBox", `0 0 ${width} ${height}`)
    const facts = [...this.body.views.facts, ...(this.body.local?.facts ?? [])]
    const boxes = keep(this.boxes, facts.length, () => {
      const box = document.createElementNS(SVG, "rect")
      box.setAttribute("vector-effect", "non-scaling-stroke")
      return box
    })
    facts.forEach(({ crop: [top, left, tall, wide] }, i) => {
      for (const [name, value] of Object.entries({ x: left, y: top, width: wide, height: tall })) boxes[i].setAttribute(name, value)
      boxes[i].dataset.kind = i < this.body.views.count ? "views" : "local"
    })
  }

  /** Shows which view is meant: its box, its frame, its numbers. */
  mark() {
    if (!this.body) return
    const at = this.pointed ?? this.chosen
    const facts = this.body[at.kind].facts[at.place]
    for (const [kind, grid] of [
      ["views", this.grid],
      ["local", this.local],
    ])
      [...grid.children].forEach((button, place) => {
        const here = (each) => each.kind === kind && each.place === place
        button.setAttribute("aria-pressed", here(this.chosen))
        button.tabIndex = here(this.chosen) || (kind !== this.chosen.kind && place === 0) ? 0 : -1
        button.dataset.meant = here(at) ? "yes" : ""
      })
    const count = this.body.views.count
    const own = at.place + (at.kind === "local" ? count : 0)
    const partner = at.kind === "views" ? at.place ^ 1 : -1
    for (const [i, box] of [...this.boxes.children].entries()) {
      box.setAttribute("data-state", i === own ? "meant" : i === partner ? "partner" : "")
    }
    setText(this.who, this.called(at.kind, at.place))
    this.list(at, facts, partner < count ? partner : -1)
  }

  list(at, facts, partner) {
    const lines = Object.keys(names).map((name) => [
      names[name],
      facts.did.includes(name) ? amount(name, facts) : this.body.possible.includes(name) ? "–" : "off",
      facts.did.includes(name),
    ])
    const shared = partner >= 0 ? share(facts.crop, this.body.views.facts[partner].crop) : null
    lines.push(["shared with its partner", shared === null ? "–" : `${percent(shared)} of both (dashed)`, shared !== null])
    keep(this.facts, lines.length, () => make("div.ssl-fact", make("dt"), make("dd"))).forEach((line, i) => {
      setText(line.children[0], lines[i][0])
      setText(line.children[1], lines[i][1])
      line.dataset.did = lines[i][2] ? "yes" : ""
    })
  }

  remove() {
    this.request.drop()
    this.steps.remove()
  }
}

/** Intersection over union of two boxes: top, left, height, width. */
function share(first, second) {
  const common = [0, 1].map((side) =>
    Math.max(0, Math.min(first[side] + first[side + 2], second[side] + second[side + 2]) - Math.max(first[side], second[side])),
  )
  const both = common[0] * common[1]
  return both / (first[2] * first[3] + second[2] * second[3] - both)
}
