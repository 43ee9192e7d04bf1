// Is the representation alive? Spread, effective rank, the spectrum, and one sentence with its evidence.

import { Panel } from "../panel.js"
import { explain } from "../definitions.js"
import { Chart } from "../plot.js"
import { spectraOf, spectrumAxes, spectrumCurve } from "../spectrum.js"
import { LAYERS, inLayer } from "../metrics.js"
import { make, percent, setText, short } from "../theme.js"
import { Grounds, sentenceOf, stateOf } from "../verdict.js"

const MEANT = { std: "spread", rank: "rank" }

export default class Collapse extends Panel {
  /** @type {any} */
  run = null
  spectra = {} // of the newest snapshot, at the step `at`
  /** @type {any} those of the first one, to compare */
  first = null
  /** @type {number | null} */
  at = null
  /** @type {number | null} */
  asked = null
  /** @type {Map<string, any>} */
  bars = new Map()

  constructor(place) {
    super()
    this.title = explain(make("span.ssl-title", "Collapse"), "verdict")
    this.good = make("span.ssl-good", "good: long bars, flat spectrum")
    this.dot = make("span.ssl-dot")
    this.sentence = make("p.ssl-sentence")
    this.grounds = new Grounds()
    this.gauges = make("div.ssl-gauges")
    this.chart = new Chart("spectrum")
    place.append(
      make(
        "section.ssl-chart",
        make("header.ssl-head", this.title, this.good),
        make("div.ssl-line", this.dot, this.sentence),
        this.grounds.element,
        this.gauges,
      ),
      this.chart.element,
    )
  }

  turn() {
    this.spectra = {}
    this.first = null
    this.at = null
    this.asked = null
    for (const bar of this.bars.values()) bar.element.remove()
    this.bars.clear()
  }

  update(run) {
    this.run = run
    const verdict = run?.verdict
    this.dot.dataset.state = stateOf(verdict)
    setText(
      this.sentence,
      sentenceOf(run, "Do different images still look different to the network? The judge answers once a run has begun."),
    )
    this.grounds.update(verdict)
    for (const layer of LAYERS) this.measure(run, layer)
    this.fetch(run)
    this.draw(run)
  }

  /** Bars and their colors, by the judge's own limits, which a run states when it starts; a run of an older version has none, and plain bars. */
  measure(run, layer) {
    const size = run?.facts.layers?.[layer]
    const { spread, rank: narrow, most = size } = run?.facts.limits?.[layer] ?? {}
    const std = run?.now(inLayer(layer, "feature_std"))
    if (std !== undefined && size) {
      const share = std * Math.sqrt(size)
      this.bar(`std ${layer}`, `spread, ${layer}`, share, share, `${percent(share)} of 1/√${size}`, spread)
    }
    const rank = run?.now(inLayer(layer, "rankme_centered")) // as the judge sees it: a mean that all images share hides or feigns a collapse
    if (rank !== undefined && size) this.bar(`rank ${layer}`, `rank, ${layer}`, rank / most, rank, `${short(rank)} of ${most}`, narrow)
  }

  /** share: how long it is; value and limits: [a sign of collapse below, none from], which give its color. */
  bar(key, label, share, value, text, limits) {
    let bar = this.bars.get(key)
    if (!bar) {
      const fill = make("i.ssl-fill")
      const value = make("span.ssl-value")
      bar = {
        fill,
        value,
        element: make("div.ssl-gauge", explain(make("span.ssl-name", label), MEANT[key.split(" ")[0]]), make("div.ssl-track", fill), value),
      }
      this.bars.set(key, bar)
      this.gauges.append(bar.element)
    }
    bar.fill.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`
    bar.fill.dataset.state = !limits ? "" : value < limits[0] ? "bad" : value < limits[1] ? "fair" : "good"
    setText(bar.value, text)
  }

  /** The spectra of the newest snapshot, and once those of the first, to compare. */
  fetch(run) {
    if (!run?.snapshots.size) return
    const steps = [...run.snapshots.keys()]
    const [first, last] = [Math.min(...steps), Math.max(...steps)]
    if (this.asked === last) return
    this.asked = last
    const keep = (put) => (arrays) => run === this.run && (put(arrays), this.draw(run))
    run.frame(last).then(
      keep((arrays) => {
        this.spectra = arrays
        this.at = last
      }),
      () => {
        this.asked = null
      },
    )
    if (!this.first && first < last)
      run.frame(first).then(
        keep((arrays) => {
          this.first = arrays
        }),
        () => {},
      )
  }

  draw(run) {
    if (!this.chart.stale(run?.id, this.at, Boolean(this.first), Boolean(this.spectra?.spectrum), this.theme.dark)) return
    const curves = spectraOf(this.spectra)
    this.chart.hint(curves.length ? "" : "How many directions the features use.")
    const traces = curves.map(([layer, values]) => spectrumCurve(values, layer, { color: this.theme[layer], width: 2 }))
    if (this.first?.spectrum?.length && curves.length)
      traces.unshift(spectrumCurve(this.first.spectrum, "backbone, untrained", { color: this.theme.muted, width: 1, dash: "dot" }))
    const most = Math.max(...curves.map((each) => each[1].length), 2)
    const layout = spectrumAxes(this.theme, most, "share") // of the largest: the panel is low
    this.legend(curves)
    this.chart.draw(traces, layout, this.theme, run?.id)
    const values = [...this.bars].map(([key, bar]) => `${key} ${bar.value.textContent}`).join(", ")
    this.chart.say(`Singular values at step ${this.at ?? 0}, log scale. ${values}`)
  }

  legend(curves) {
    const names = curves.map((each) => each[0])
    if (this.first?.spectrum && names.length) names.push("untrained")
    const chips = this.chart.chips
    if (chips.children.length !== names.length) chips.replaceChildren(...names.map(() => make("span.ssl-chip")))
    names.forEach((name, i) => {
      chips.children[i].style.setProperty("--color", this.theme[name] ?? this.theme.muted)
      setText(chips.children[i], name)
    })
  }

  remove() {
    this.chart.remove()
  }
}
