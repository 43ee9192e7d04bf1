// The contact sheet: a row for each label, with its mean image, how many there are, and examples.

import { Panel } from "../panel.js"
import { explain } from "../definitions.js"
import { make, setText } from "../theme.js"

export default class ContactSheet extends Panel {
  drawn = "" // what is on the page

  constructor(place) {
    super()
    this.color = explain(make("span"), "data/color")
    this.facts = make("p.ssl-sentence", make("span"), this.color)
    this.rows = make("div.ssl-sheet-rows")
    place.append(this.facts, this.rows)
  }

  update() {
    const { whole, rows, factor, side, mean, spread, test } = this.data
    if (this.drawn === this.data.whole.examples + rows.length + factor + rows[0]?.examples) return
    this.drawn = this.data.whole.examples + rows.length + factor + rows[0]?.examples
    const number = (value) => value.toLocaleString("en-US")
    const more = test ? ` ${number(test)} more are kept for the test of an evaluation.` : ""
    const channels = (values) => values.map((value) => value.toFixed(3)).join(" · ")
    setText(
      this.facts.firstChild,
      `${number(whole.count)} training images and ${number(whole.probe)} kept out of training as the probe set, ${side} × ${side} pixels.${more} `,
    )
    setText(this.color, `Mean color ${channels(mean)}, spread ${channels(spread)} (red · green · blue).`)
    const most = Math.max(...rows.map((row) => Math.max(row.count, row.probe)), 1)
    const all = { ...whole, name: "all images" }
    this.rows.replaceChildren(...(rows.length ? [all, ...rows] : [all]).map((row) => line(row, row === all ? 0 : most)))
  }
}

/** One label. most: the largest count of all labels, for the bar; 0 where a bar says nothing. */
function line(row, most) {
  const count = row.count.toLocaleString("en-US") + (row.probe ? ` + ${row.probe.toLocaleString("en-US")}` : "")
  const bar = make("div.ssl-bar", make("div.ssl-fill"))
  bar.firstChild.style.width = `${(100 * Math.max(row.count, row.count ? 0 : row.probe)) / (most || 1)}%`
  bar.hidden = !most
  const words = make(
    "div.ssl-sheet-words",
    make("strong", row.name),
    most ? make("span.ssl-good", count) : explain(make("span.ssl-good", count), "data/count"),
    bar,
  )
  const element = make("figure.ssl-sheet-row", picture(row.mean, `the mean of ${row.name}`), words)
  if (row.shown) element.append(tiles(row))
  return element
}

function picture(source, text) {
  const image = make("img.ssl-sheet-mean")
  image.src = source
  image.alt = text
  return image
}

/** Examples as tiles of one picture: they wrap, and only whole ones are seen. */
function tiles(row) {
  const place = make("div.ssl-sheet-tiles")
  place.role = "img"
  place.ariaLabel = `${row.shown} examples of ${row.name}`
  place.style.setProperty("--shown", row.shown)
  for (let at = 0; at < row.shown; at++) {
    const tile = make("i")
    tile.style.backgroundImage = `url(${row.examples})`
    tile.style.backgroundPositionX = row.shown > 1 ? `${(100 * at) / (row.shown - 1)}%` : "0"
    place.append(tile)
  }
  return place
}
