// The same image with ever more of it hidden, and over many masks: what a run can still paint.

import { explain } from "../definitions.js"
import { LatestRequest } from "../api.js"
import { Scale, paintHeat, roundTop } from "../heat.js"
import { Chart, axis } from "../plot.js"
import { make, percent, setText } from "../theme.js"
import { Tile, decoded, precise } from "./sheet.js"

export class Ratios {
  /** @type {import("../theme.js").Theme} */
  theme = /** @type {any} */ (null) // set by the panel that it is part of

  constructor() {
    this.chart = new Chart("ratio error")
    this.strips = make("div.ssl-strips")
    this.means = make("div.ssl-means")
    this.element = make(
      "div.ssl-ratios",
      section(
        "The same image, more and more hidden",
        "ratio error",
        "reconstruction + visible; each mask lies inside the next; below: the share that is hidden, and the error",
        this.strips,
      ),
      this.chart.element,
      section("On average over many masks", "patch error", "each patch as it is painted when it is hidden", this.means),
    )
    this.runs = new Map()
  }

  /** query: image, of, strategy, seed; ratio: of the average. */
  show(runs, query, ratio) {
    for (const [id, held] of this.runs) {
      if (runs.some((run) => run.id === id)) continue
      held.strip.element.remove()
      held.mean.element.remove()
      this.runs.delete(id)
    }
    for (const run of runs) {
      const held = this.runs.get(run.id) ?? this.make(run)
      held.run = run
      setText(held.strip.name, run.short)
      setText(held.mean.name, run.short)
      held.strip.latest.ask(`runs/${run.id}/ratios`, query)
      held.mean.latest.ask(`runs/${run.id}/average`, { ...query, ratio })
    }
    this.names(runs)
    this.draw()
  }

  /** Two runs of one method are distinguished by what they were trained with. */
  names(runs) {
    const same = runs.length > 1 && runs[0].short === runs[1].short
    for (const { run, strip, mean } of this.runs.values()) {
      const name = same ? `${run.short} ${run.id}` : run.short
      setText(strip.name, name)
      setText(mean.name, name)
    }
  }

  make(run) {
    const held = { run, strip: new Strip(() => this.draw()), mean: new Mean(() => this.shareScale()) }
    this.runs.set(run.id, held)
    this.strips.append(held.strip.element)
    this.means.append(held.mean.element)
    return held
  }

  shareScale() {
    const means = [...this.runs.values()].map((held) => held.mean)
    for (const mean of means) mean.heat(Math.max(...means.filter((each) => each.unit === mean.unit).map((each) => each.top)))
  }

  draw() {
    const held = [...this.runs.values()].filter(({ strip }) => strip.found)
    if (
      !held.length ||
      !this.chart.stale(
        held.map(({ run, strip }) => [run.id, strip.found.ratios.map((each) => each.error)]),
        this.theme.dark,
      )
    )
      return
    const units = [...new Set(held.map(({ strip }) => strip.found.unit))] // two of them: two axes
    const traces = held.map(({ strip }, i) => ({
      yaxis: units.indexOf(strip.found.unit) ? "y2" : "y",
      x: strip.found.ratios.map((each) => each.ratio),
      y: strip.found.ratios.map((each) => each.error),
      name: strip.name.textContent,
      type: "scatter",
      mode: "lines+markers",
      line: { color: this.theme.colors[i], width: 2 },
      marker: { size: 6, symbol: ["circle", "diamond"][i] },
      hovertemplate: `${strip.name.textContent}, %{x:.0%} hidden: %{y:.4f}<extra></extra>`,
    }))
    const trained = held.map(({ run }, i) => ({
      type: "line",
      x0: run.ratio,
      x1: run.ratio,
      y0: 0,
      y1: 1,
      yref: "paper",
      line: { color: this.theme.colors[i], width: 1, dash: "dot" },
    }))
    const layout = {
      xaxis: axis(this.theme, "share of patches that is hidden", [0, 1], { tickformat: ".0%" }),
      yaxis: axis(this.theme, units[0], null, { rangemode: "tozero" }),
      shapes: trained,
      margin: { l: 58, r: units[1] ? 58 : 14, t: 8, b: 38 },
    }
    if (units[1])
      layout.yaxis2 = axis(this.theme, units[1], null, {
        rangemode: "tozero",
        overlaying: "y",
        side: "right",
        showgrid: false,
        tickmode: "auto",
      })
    const beside = (i) => (units[1] ? `, ${i ? "right" : "left"} axis` : "")
    this.chart.legend(
      held.map(({ strip }, i) => [`${strip.name.textContent}${beside(i)} (dotted: the ratio it was trained with)`, this.theme.colors[i]]),
    )
    this.chart.draw(traces, layout, this.theme, held.map(({ run }) => run.id).join())
    this.chart.say(
      held
        .map(
          ({ strip }) =>
            `${strip.name.textContent}: ${strip.found.ratios.map((each) => `${percent(each.ratio)} hidden, error ${precise(each.error)}`).join("; ")}`,
        )
        .join(". "),
    )
  }

  remove() {
    this.chart.remove()
  }
}

/** One run's row of pictures. */
class Strip {
  /** @type {any} the newest answer */
  found = null

  constructor(changed) {
    this.changed = changed
    this.name = make("span.ssl-layer")
    this.tiles = make("div.ssl-row-of-ten")
    this.refusal = make("p.ssl-refusal")
    this.element = make("div.ssl-strip-of", this.name, this.tiles, this.refusal)
    this.latest = new LatestRequest(
      (found) => this.take(found),
      (sentence) => setText(this.refusal, sentence),
    )
  }

  async take(found) {
    const pictures = await Promise.all(found.ratios.flatMap((each) => [decoded("masked", each.masked), decoded("pasted", each.pasted)]))
    setText(this.refusal, "")
    this.found = found
    this.tiles.replaceChildren(
      ...found.ratios.map((each, i) => {
        const [masked, pasted] = [pictures[2 * i][1], pictures[2 * i + 1][1]]
        const share = percent(each.ratio)
        masked.alt = `${share} hidden`
        pasted.alt = `${share} hidden: what comes back, error ${precise(each.error)}`
        return make("figure.ssl-print", masked, pasted, make("figcaption.ssl-caption", make("strong", share), ` ${precise(each.error)}`))
      }),
    )
    this.changed()
  }
}

/** One run's average. */
class Mean {
  unit = ""
  /** @type {number[] | null} a patch */
  errors = null

  constructor(scaled) {
    this.scaled = scaled
    this.top = 0
    this.name = make("span.ssl-layer")
    this.tiles = make("div.ssl-couple")
    this.error = new Tile("mean error when hidden", make("canvas"))
    this.scale = new Scale("mean error of each patch")
    this.error.element.append(this.scale.element)
    this.refusal = make("p.ssl-refusal")
    this.element = make("div.ssl-mean", this.name, this.tiles, this.refusal)
    this.latest = new LatestRequest(
      (found) => this.take(found),
      (sentence) => setText(this.refusal, sentence),
    )
  }

  async take(found) {
    const [, image] = await decoded("mean", found.picture)
    image.alt = `mean reconstruction over ${found.masks} masks`
    setText(this.refusal, "")
    this.unit = found.unit
    this.errors = found.errors
    this.top = roundTop(found.errors)
    this.tiles.replaceChildren(
      make("figure.ssl-print", image, make("figcaption.ssl-caption", `mean of ${found.masks} masks`)),
      this.error.element,
    )
    this.scaled()
  }

  heat(top) {
    if (!this.errors) return
    paintHeat(this.error.inside, this.errors, top)
    this.scale.show(top)
    this.error.inside.setAttribute("role", "img")
    this.error.inside.setAttribute("aria-label", `mean error of each patch when it is hidden, from 0 to ${precise(top)}`)
  }
}

/** about: the metric whose definition explains the numbers inside. */
export function section(title, about, good, ...inside) {
  return make(
    "section.ssl-part",
    make("header.ssl-head", explain(make("span.ssl-title", title), about), make("span.ssl-good", good)),
    ...inside,
  )
}
