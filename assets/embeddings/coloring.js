// What a color means on the maps: the class of a factor, a k-means cluster, or the similarity to a chosen image.

import { explain } from "../definitions.js"
import { color as heat } from "../heat.js"
import { LatestRequest } from "../api.js"
import { unpack } from "../arrays.js"
import { make, short } from "../theme.js"
import { byFactor, classed, plain } from "../points/colors.js"
import { button, buttonGroup, classKey, press, toggled } from "../controls.js"

const LEVELS = 48 // of similarity that can be distinguished
const MOST = 50 // clusters

/** The controls: which coloring, and how many clusters. changed(): somebody chose. */
export class Coloring {
  constructor(changed) {
    this.changed = changed
    this.mode = ""
    this.k = 8
    this.highlighted = null // classes that stand out
    this.factors = buttonGroup("color by", [])
    this.factors.classList.add("ssl-factors")
    this.count = make("input.ssl-count")
    Object.assign(this.count, { type: "number", min: 2, max: MOST, value: this.k, onchange: () => this.cluster() })
    this.count.setAttribute("aria-label", "number of clusters")
    this.legend = make("div.ssl-legend")
    this.many = make("label.ssl-good", explain(make("span", "clusters"), "map/clusters"), " ", this.count)
    this.many.hidden = true
    this.element = make("div.ssl-by", make("span.ssl-good", "color by"), this.factors, this.many)
  }

  /** The factors that there are. A coloring that cannot be gives way to the first that can. */
  offer(factors) {
    const modes = [...factors, "cluster", "similarity"]
    if (!modes.includes(this.mode)) this.mode = modes[0]
    if (this.factors.dataset.modes !== modes.join("\n")) {
      this.factors.dataset.modes = modes.join("\n")
      this.factors.replaceChildren(
        ...modes.map((mode) =>
          button(
            mode,
            () => this.choose(mode),
            { cluster: "by k-means cluster", similarity: "by similarity to the chosen image" }[mode] ?? `by ${mode}`,
          ),
        ),
      )
    }
    press(this.factors, (each) => each.textContent === this.mode)
    this.many.hidden = this.mode !== "cluster"
    this.count.value = this.k
  }

  choose(mode) {
    this.mode = mode
    this.highlighted = null
    this.changed()
  }

  cluster() {
    this.k = Math.min(Math.max(Math.round(+this.count.value) || 8, 2), MOST)
    this.count.value = this.k
    this.highlighted = null
    this.changed()
  }

  /** The legend of what one map shows. colors: as `ColorMap` has it. */
  explain(colors) {
    const key = JSON.stringify([colors?.classes?.map((each) => each.name + each.color), colors?.scale, [...(this.highlighted ?? [])]])
    if (this.legend.dataset.key === key) return
    this.legend.dataset.key = key
    if (colors?.scale) this.legend.replaceChildren(scale(colors.scale))
    else this.legend.replaceChildren(...(colors?.classes ?? []).map((each, i) => this.key(each, i)))
  }

  key(each, i) {
    return classKey(each, Boolean(this.highlighted?.has(i)), () => {
      this.highlighted = toggled(this.highlighted, i)
      this.changed()
    })
  }
}

/** The colors of one map. onColors(): others have come from the server. */
export class ColorMap {
  /** @type {any} of clusters, (N,) */
  labels = null
  k = 0 // clusters
  /** @type {any} of every point to the chosen image, (N,) */
  similarity = null
  sentence = "" // about the clusters

  constructor(onColors) {
    this.onColors = onColors
    this.clusters = new LatestRequest(
      (body) => this.clustered(body),
      (sentence) => this.refused(sentence),
    )
  }

  clear() {
    this.labels = null
    this.similarity = null
    this.sentence = ""
    this.clusters.drop()
  }

  /** Asks for what the coloring needs at a step. */
  ask(run, query, coloring, step) {
    if (coloring.mode === "cluster") this.clusters.ask(`runs/${run}/clusters`, { ...query, kind: undefined, step, k: coloring.k })
    else this.sentence = ""
  }

  clustered(body) {
    this.labels = body.labels
    this.k = body.k
    const agreement = Object.entries(body.agreement ?? {})
      .filter(([, value]) => value !== null)
      .sort(([, a], [, b]) => b - a)
    const shared = agreement.map(([factor, value]) => `${factor} ${value.toFixed(2)}`).join(", ")
    const apart = body.silhouette === null || body.silhouette === undefined ? "" : ` Silhouette ${short(body.silhouette)}.`
    const agrees = shared ? ` What they agree with (adjusted mutual information, 1 is the same): ${shared}.` : ""
    this.sentence = `${body.k} clusters at this step.${agrees}${apart} ${(body.notes ?? []).join(" ")}`
    this.onColors()
  }

  refused(sentence) {
    this.sentence = sentence
    this.onColors()
  }

  /** Classes (N,), palette and legend for `mode`; points: labels and names as the server tells them. */
  of(mode, points, theme) {
    const count = points.count
    if (mode === "similarity") return this.similarity ? similar(this.similarity) : plain(count)
    if (mode === "cluster")
      return this.labels
        ? classed(
            this.labels,
            Array.from({ length: this.k }, (_, i) => `cluster ${i + 1}`),
            theme,
          )
        : plain(count)
    return byFactor(mode, points, theme)
  }
}

/** Similarity as a color: from that of the farthest percent to that of the nearest. */
function similar(values) {
  const sorted = Float32Array.from(values).sort()
  const [low, high] = [sorted[Math.floor(sorted.length * 0.01)], sorted[Math.max(sorted.length - 2, 0)]]
  const share = (value) => (high > low ? Math.min(Math.max((value - low) / (high - low), 0), 1) : 0.5)
  const palette = Array.from({ length: LEVELS }, (_, i) => ({ name: "", color: hex(heat(i / (LEVELS - 1))), symbol: "circle" }))
  return {
    places: Uint16Array.from(values, (value) => Math.round(share(value) * (LEVELS - 1))),
    palette,
    classes: null,
    scale: [low, high],
  }
}

const hex = (rgb) => `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`

function scale([low, high]) {
  const bar = make("span.ssl-spectrum")
  bar.style.background = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map((share) => hex(heat(share))).join()})`
  return make("div.ssl-scale", make("span", `cosine ${short(low)}`), bar, make("span", `${short(high)}: most alike`))
}

/** The answer of the server about the neighbors of an image, similarity unpacked. */
export function unpackNeighbors(body) {
  return { ...body, similarity: body.similarity ? unpack(body.similarity) : null }
}
