// Numbers with a bar each, and the value they began with: a list of measures, and a table of factors.

import { definitionOf, explain } from "../definitions.js"
import { make, setText, short } from "../theme.js"

/** Measures below each other: name, bar with a notch for step 0, value, and what good looks like. */
export class Gauges {
  constructor(title, good) {
    this.title = make("span.ssl-title", title)
    this.good = make("span.ssl-good", good)
    this.list = make("div.ssl-measures")
    this.element = make("section.ssl-part", make("header.ssl-head", this.title, this.good), this.list)
    this.rows = new Map()
  }

  show(measures, first) {
    for (const [name, row] of this.rows) {
      if (measures.some((each) => each.name === name)) continue
      row.element.remove()
      this.rows.delete(name)
    }
    for (const each of measures) this.row(each, first)
  }

  row(each, first) {
    if (!this.rows.has(each.name)) {
      const row = {
        name: explain(make("span.ssl-name", each.title), each.name),
        track: new Track(),
        value: make("span.ssl-value"),
        good: make("span.ssl-good", each.good),
      }
      row.element = make("div.ssl-measure", row.name, row.track.element, row.value, row.good)
      this.rows.set(each.name, row)
      this.list.append(row.element)
    }
    const row = this.rows.get(each.name)
    row.track.show(each.value, each.before, ends(each))
    const of = each.unit ? ` of ${Number.isInteger(each.high) ? each.high : short(each.high)}${each.unit === "nats" ? " nats" : ""}` : ""
    setText(row.value, `${short(each.value)}${of}`)
    row.element.title = `${each.title}: ${short(each.value)}${of}, ${short(each.before)} at step ${first}. Good: ${each.good}`
    setText(row.good, `${short(each.before)} at step ${first} · ${each.good}`)
  }

  clear() {
    this.list.replaceChildren()
    this.rows.clear()
  }
}

/** Where a scale begins and ends; an open one ends beyond what it shows. */
function ends({ low, high, value, before }) {
  const from = low ?? Math.min(0, value, before)
  return [from, Math.max(high ?? 1.25 * Math.max(value, before, from + 1e-9), from + 1e-9)]
}

/** A bar on a scale, with a notch where it began. */
class Track {
  constructor() {
    this.fill = make("i.ssl-fill")
    this.notch = make("i.ssl-notch")
    this.element = make("span.ssl-track", this.fill, this.notch)
    this.element.setAttribute("aria-hidden", "true") // the number stands beside it
  }

  show(value, before, [low, high]) {
    const share = (each) => Math.min(Math.max((each - low) / (high - low), 0), 1)
    const [zero, at] = [share(0 > low ? 0 : low), share(value)]
    this.fill.style.left = `${100 * Math.min(zero, at)}%`
    this.fill.style.width = `${100 * Math.abs(at - zero)}%`
    this.notch.style.left = `${100 * share(before)}%`
  }
}

const COLUMNS = [
  ["knn", [0, 1]],
  ["linear", [0, 1]],
  ["silhouette", [-1, 1]],
  ["davies_bouldin", [0, null]],
].map(([name, ends]) => [name, definitionOf(`${name}/*`)?.title ?? name, ends])

/** A row for each factor, a column for each way to read it. */
export class FactorTable {
  constructor() {
    this.good = make("span.ssl-good")
    this.body = make("tbody")
    const head = make(
      "thead",
      make("tr", make("th", "factor"), ...COLUMNS.map(([name, title]) => make("th", explain(make("span", title), `${name}/*`)))),
    )
    this.table = make("table.ssl-factor-table", head, this.body)
    this.element = make("section.ssl-part", make("header.ssl-head", make("span.ssl-title", "Factors"), this.good), this.table)
  }

  show(factors, first) {
    this.table.hidden = !factors.length
    setText(
      this.good,
      factors.length
        ? `what the layer keeps of each; the notch and the small number are step ${first}, the line is chance`
        : "These images have no labels: what the layer keeps of them cannot be read off. All other measures need none.",
    )
    if (this.body.children.length !== factors.length || factors.some((each, i) => this.body.children[i].dataset.factor !== each.factor))
      this.rebuild(factors)
    const worst = Math.max(2, ...factors.flatMap(({ values }) => [values.davies_bouldin.value, values.davies_bouldin.before]))
    factors.forEach((each, i) => this.fill(this.body.children[i], each, worst))
  }

  rebuild(factors) {
    this.body.replaceChildren(
      ...factors.map(({ factor }) => {
        const row = make(
          "tr",
          Object.assign(make("th"), { scope: "row" }),
          ...COLUMNS.map(([, title]) => {
            const cell = make("td", make("span.ssl-value"), make("span.ssl-before"), new Track().element)
            cell.dataset.title = title // on a phone the columns stand below each other
            return cell
          }),
        )
        row.dataset.factor = factor
        return row
      }),
    )
  }

  fill(row, { factor, classes, labeled, chance, values, why }, worst) {
    setText(row.children[0], factor)
    row.children[0].title = `${classes} classes on ${labeled.toLocaleString("en-US")} images`
    COLUMNS.forEach(([name, , [low, high]], i) => {
      const cell = row.children[i + 1]
      const { value, before } = values[name] ?? {}
      const readable = classes > 1 && value !== undefined
      const mean = name === "knn" && readable && values.knn_balanced ? ` · classes ${rounded(values.knn_balanced.value)}` : ""
      setText(cell.children[0], readable ? rounded(value) : "–")
      setText(cell.children[1], readable ? `${rounded(before)}${mean}` : classes === 1 ? "one class" : classes ? "too few" : "no labels")
      const track = Object.assign(Object.create(Track.prototype), {
        element: cell.children[2],
        fill: cell.children[2].children[0],
        notch: cell.children[2].children[1],
      })
      cell.children[2].hidden = !readable
      if (readable) track.show(value, before, [low, high ?? worst])
      cell.children[2].style.setProperty("--chance", high === 1 && low === 0 ? `${100 * chance}%` : "-10px")
      cell.title = readable
        ? `${COLUMNS[i][1]} of ${factor}: ${short(value)}, ${short(before)} at the start${high === 1 && low === 0 ? `; chance ${short(chance)}${mean && `; mean over classes ${rounded(values.knn_balanced.value)}`}` : ""}`
        : why || "needs two classes"
    })
  }
}

/** Two places, and no minus before a zero. */
function rounded(value) {
  return Math.abs(value) < 10 ? (Math.round(100 * value) / 100 || 0).toFixed(2) : short(value)
}
