// Well-known pipelines side by side, on the same images and by the same random numbers.

import { Panel } from "../panel.js"
import { LatestRequest } from "../api.js"
import { whenSeen } from "../controls.js"
import { decoded, keep, paint, tile } from "../tiles.js"
import { make, setText } from "../theme.js"

export default class Presets extends Panel {
  constructor(place) {
    super()
    this.place = place
    this.failure = make("p.ssl-failure")
    this.failure.hidden = true
    this.top = row("div.ssl-side.ssl-originals")
    setText(this.top.name, "Originals")
    this.rows = make("div.ssl-sides")
    place.append(
      make(
        "header.ssl-head",
        make("h2.ssl-title", "Presets side by side"),
        make("span.ssl-good", "two views of each image; every row makes the same random choices, only the settings differ"),
      ),
      this.failure,
      this.top.element,
      this.rows,
    )
    this.request = new LatestRequest(
      (body) => this.took(body),
      (sentence) => {
        setText(this.failure, sentence)
        this.failure.hidden = false
      },
      250,
    )
    this.seen = whenSeen(place, () => {
      this.near = true
      this.update()
    })
    this.sides = []
  }

  update() {
    if (this.near) this.request.ask(this.data.address)
  }

  async took(body) {
    const original = await decoded(body.original)
    const pairs = await Promise.all(body.presets.map((each) => decoded(each.pair)))
    const locals = await Promise.all(body.presets.map((each) => each.local && decoded(each.local)))
    this.failure.hidden = true
    keep(this.top.cells, body.images.length, () => make("div.ssl-cell", tile())).forEach((cell, i) => paint(cell.firstChild, original, i))
    while (this.sides.length < body.presets.length) {
      const side = row("div.ssl-side")
      this.sides.push(side)
      this.rows.append(side.element)
    }
    body.presets.forEach((preset, i) => this.side(this.sides[i], preset, pairs[i], locals[i], body.images))
  }

  side(side, preset, pair, local, images) {
    setText(side.name, preset.title)
    setText(side.paper, preset.paper.split(":")[0])
    side.paper.hidden = !preset.paper
    if (preset.link) side.paper.href = preset.link
    side.element.title = preset.summary
    side.element.dataset.name = preset.name
    keep(side.cells, images.length, () => make("div.ssl-cell", make("div.ssl-pair"), make("div.ssl-locals"))).forEach((cell, i) => {
      keep(cell.children[0], 2, () => tile()).forEach((canvas, place) => paint(canvas, pair, 2 * i + place))
      const count = local ? local.columns : 0
      keep(cell.children[1], count, () => tile()).forEach((canvas, place) => paint(canvas, local, count * i + place))
      cell.setAttribute("role", "img")
      cell.setAttribute("aria-label", `${preset.title}: two views of image ${images[i]}${count ? ` and ${count} local views` : ""}`)
    })
  }

  remove() {
    this.seen.disconnect()
    this.request.drop()
  }
}

function row(what) {
  const name = make("span.ssl-name")
  const paper = make("a.ssl-paper")
  paper.target = "_blank"
  paper.rel = "noreferrer"
  paper.hidden = true
  const cells = make("div.ssl-cells")
  return { name, paper, cells, element: make(what, make("div.ssl-which", name, paper), cells) }
}
