// Plotly, loaded once, and one way to make a small chart with it: fixed size, no re-creation, zoom kept.

import { additions, remembered } from "./additions.js"
import { once } from "./once.js"
import { whenSeen } from "./controls.js"
import { definitionOf, explain } from "./definitions.js"
import { make, setText } from "./theme.js"

/** The library, once it is loaded: a script that gives a global name, not a module. */
const library = () => /** @type {any} */ (window).Plotly

const LOADED = "ssl-plotly" // an event of the window
const NEAR = "150px" // to the screen

const load = once(
  () =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script")
      script.src = new URL("./plotly.js", import.meta.url).href
      script.onload = () => {
        resolve(undefined)
        dispatchEvent(new Event(LOADED))
      }
      script.onerror = () => reject(new Error("the plotting library could not be loaded"))
      document.head.append(script)
    }),
)

/** A chart with a title that explains itself, what good looks like, and a text for those who cannot see it. */
export class Chart {
  state = "" // what the picture depends on, as it was drawn last
  /** @type {number | null | undefined} where the cursor stands */
  pointed = undefined
  frame = "" // the layout that is drawn, as text
  /** @type {import("./additions.js").Drawn[] | null} the curves that are drawn */
  has = null
  /** @type {IntersectionObserver | null} looks whether it is near the screen, until the library is there */
  sight = null

  /** of: the name of a metric, which brings title and `good` along, or a title whose meaning `explain` adds. */
  constructor(of, good = definitionOf(of)?.good ?? "", layer = "") {
    this.title = explain(make("span.ssl-title", definitionOf(of)?.title ?? of), of)
    this.layer = make("span.ssl-layer", layer)
    this.good = make("span.ssl-good", good)
    this.chips = make("div.ssl-chips")
    this.plot = make("div.ssl-plot")
    this.plot.setAttribute("role", "img")
    this.empty = make("div.ssl-empty")
    this.cursor = make("div.ssl-cursor")
    this.cursor.hidden = true
    this.element = make(
      "section.ssl-chart",
      make("header.ssl-head", this.title, this.layer, this.good),
      this.chips,
      make("div.ssl-stage", this.plot, this.cursor, this.empty),
    )
    this.observer = new ResizeObserver(() => {
      if (this.drawn && this.plot.offsetWidth)
        library()
          .Plots.resize(this.plot)
          .then(() => this.point(this.pointed))
    })
    this.observer.observe(this.plot)
    this.drawn = false
    this.busy = false
    this.waiting = null
  }

  /** Whether there is anything new to draw: `state` stands for all that the picture depends on. Redrawing costs the training time. */
  stale(...state) {
    const now = JSON.stringify(state)
    if (now === this.state) return false
    this.state = now
    return true
  }

  /** Draws traces, or what was added to their ends; calls that come while one is under way leave only the last. */
  async draw(traces, layout, theme, revision) {
    this.waiting = [traces, layout, theme, revision]
    if (this.busy) return
    this.busy = true
    try {
      const drawing = library() ?? (await this.plotly())
      while (this.waiting) {
        const [data, more, look, uirevision] = this.waiting
        this.waiting = null
        await this.redraw(drawing, data, { ...base(look), ...more, uirevision })
        if (!this.drawn) this.plot.on("plotly_relayout", () => this.point(this.pointed)) // somebody zoomed
        this.drawn = true
        this.point(this.pointed)
      }
    } finally {
      this.busy = false
    }
  }

  /** The library: half a megabyte, loaded when the first chart comes near the screen, and then there for all. */
  plotly() {
    return new Promise((resolve, reject) => {
      addEventListener(LOADED, () => resolve(library()), { once: true })
      this.sight = whenSeen(this.element, () => load().catch(reject), NEAR)
    })
  }

  /** A longer curve is no other curve: nothing else moves, and what a pointer or a zoom has made of the chart stays. */
  async redraw(drawing, data, layout) {
    const frame = JSON.stringify(layout)
    const added = this.frame === frame ? additions(this.has, data) : null
    const has = data.map(remembered) // before Plotly writes into it
    this.frame = "" // if it fails
    if (!added) await drawing.react(this.plot, data, layout, CONFIG)
    else if (added.places.length) await drawing.extendTraces(this.plot, { x: added.x, y: added.y }, added.places)
    Object.assign(this, { frame, has })
  }

  /** A line at a value of x, drawn over the chart: the chart itself is not drawn again. null takes it away; span: ms of its way there. */
  point(x, span = 0) {
    this.pointed = x
    const [axis, size] = [this.plot._fullLayout?.xaxis, this.plot._fullLayout?._size]
    const at = this.drawn && x !== null && x !== undefined && axis ? axis.l2p(x) : NaN
    this.cursor.hidden = !(at >= -1 && at <= axis?._length + 1)
    if (this.cursor.hidden) return
    Object.assign(this.cursor.style, {
      transition: span ? `translate ${span}ms linear` : "none",
      translate: `${size.l + at}px`,
      top: `${size.t}px`,
      height: `${size.h}px`,
    })
  }

  /** The words for the same thing. */
  say(text) {
    if (this.plot.getAttribute("aria-label") !== text) this.plot.setAttribute("aria-label", text)
  }

  /** Words under the title, each in the color of what it tells of: [text, color, mark, symbol]; mark: how its line or bar looks. */
  legend(entries) {
    this.chips.replaceChildren(...entries.map((entry) => chip(...entry)))
  }

  /** A hint where there is nothing to draw yet; "" hides it. */
  hint(text) {
    setText(this.empty, text)
    this.empty.hidden = !text
  }

  remove() {
    this.observer.disconnect()
    this.sight?.disconnect()
    if (this.drawn) library().purge(this.plot)
  }
}

function chip(text, color, mark = "", symbol = "") {
  const element = make("span.ssl-chip", text)
  element.style.setProperty("--color", color)
  if (mark) element.dataset.mark = mark
  if (symbol) element.dataset.symbol = symbol
  return element
}

const CONFIG = { displayModeBar: false, responsive: false, doubleClick: "reset", showTips: false }

function base(theme) {
  return {
    autosize: true,
    margin: { l: 44, r: 14, t: 8, b: 34 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, size: 11, color: theme.muted },
    hoverlabel: { font: { family: theme.font, size: 12 }, bgcolor: theme.dark ? "#222a33" : "#ffffff", bordercolor: theme.line },
    hovermode: "closest",
    showlegend: false,
    dragmode: "zoom",
  }
}

/** An axis in the house's look. */
export function axis(theme, title, range, more = {}) {
  return {
    title: { text: title, font: { size: 11, color: theme.muted }, standoff: 4 },
    range: range ? [...range] : undefined,
    autorange: range ? false : undefined,
    gridcolor: theme.grid,
    zeroline: false,
    linecolor: theme.line,
    tickcolor: theme.line,
    ticks: "outside",
    ticklen: 3,
    nticks: 6,
    fixedrange: false,
    exponentformat: "power",
    ...more,
  }
}
