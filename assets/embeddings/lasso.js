// What lies in the lasso: a contact sheet, and for each factor how the lasso differs from the whole map.

import { explain } from "../definitions.js"
import { make, percent, setText } from "../theme.js"
import { button } from "../controls.js"
import { thumb, wordsOf } from "../thumbs.js"

const SHEET = 90 // pictures that are shown
const CLASSES = 6 // of a factor

export class Lasso {
  constructor(clear, pick) {
    this.pick = pick
    this.count = make("span.ssl-good")
    this.count.setAttribute("role", "status")
    this.factors = make("div.ssl-shares")
    this.sheet = make("div.ssl-contact")
    this.rest = make("p.ssl-caution")
    const head = make(
      "header.ssl-head",
      explain(make("span.ssl-title", "In the lasso"), "map/lasso"),
      this.count,
      make("span.ssl-space"),
      button("Clear", clear, "remove the lasso (Escape)"),
    )
    this.element = make("section.ssl-part.ssl-lasso", head, this.factors, this.sheet, this.rest)
    this.element.hidden = true
  }

  /** chosen: the points in it; points: labels, names, pictures; theme: for colors. */
  show(chosen, points) {
    this.element.hidden = !chosen
    if (!chosen) return
    const share = Math.round((100 * chosen.length) / points.count)
    setText(
      this.count,
      chosen.length
        ? `${chosen.length.toLocaleString("en-US")} of ${points.count.toLocaleString("en-US")} images, ${share}%`
        : "no image: draw it around some points",
    )
    this.factors.replaceChildren(...(chosen.length ? comparisons(chosen, points).map(table) : []))
    this.sheet.replaceChildren(...chosen.slice(0, SHEET).map((i) => this.tile(points, i)))
    setText(this.rest, chosen.length > SHEET ? `and ${(chosen.length - SHEET).toLocaleString("en-US")} more` : "")
  }

  tile(points, i) {
    const tile = button("", () => this.pick(i), `image ${i}${wordsOf(points, i) ? `, ${wordsOf(points, i)}` : ""}`)
    tile.className = "ssl-tile-of"
    tile.append(thumb(points, i))
    return tile
  }
}

/** For each factor its classes, the most over-represented first; factors in the order of their first class. */
export function comparisons(chosen, { labels = {}, names = {} }) {
  return Object.entries(labels)
    .map(([factor, all]) => {
      const [whole, inside] = [new Map(), new Map()]
      for (const label of all) if (label >= 0) whole.set(label, (whole.get(label) ?? 0) + 1)
      for (const i of chosen) if (all[i] >= 0) inside.set(all[i], (inside.get(all[i]) ?? 0) + 1)
      const [total, kept] = [sum(whole), sum(inside)]
      const rows = [...whole].map(([label, count]) => ({
        name: names[factor]?.[label] ?? `${label}`,
        count: inside.get(label) ?? 0,
        share: kept ? (inside.get(label) ?? 0) / kept : 0,
        usual: count / total,
      }))
      rows.sort((a, b) => b.share - b.usual - (a.share - a.usual))
      return { factor, rows, kept }
    })
    .filter(({ rows }) => rows.length)
    .sort((a, b) => b.rows[0].share - b.rows[0].usual - (a.rows[0].share - a.rows[0].usual))
}

const sum = (counts) => [...counts.values()].reduce((a, b) => a + b, 0)

function table({ factor, rows, kept }) {
  const shown = rows.slice(0, CLASSES)
  const left = rows.length - shown.length
  const element = make("div.ssl-share", make("b", factor), ...shown.map(bar))
  if (left) element.append(make("span.ssl-good", `and ${left} less frequent here`))
  if (!kept) element.append(make("span.ssl-good", "none of these has a label"))
  return element
}

function bar({ name, count, share, usual }) {
  const fill = make("i.ssl-fill")
  const mark = make("i.ssl-usual")
  fill.style.width = `${100 * share}%`
  mark.style.left = `${100 * usual}%`
  const line = make(
    "div.ssl-share-row",
    make("span.ssl-name", name),
    make("div.ssl-track", fill, mark),
    make("span.ssl-value", `${count} · ${percent(share)}`),
  )
  line.title = `${name}: ${percent(share)} of the lasso, ${percent(usual)} of all`
  line.setAttribute("aria-label", line.title)
  line.setAttribute("role", "img")
  return line
}
