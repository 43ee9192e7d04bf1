// The geometry of the representation: every measure of a layer at a step, beside step 0, and how alike steps, layers and runs are.

import { Panel } from "../panel.js"
import { STEP, hear } from "../announcements.js"
import { explain } from "../definitions.js"
import { Chart } from "../plot.js"
import { LatestRequest } from "../api.js"
import { buttonGroup, button, press, whenSeen } from "../controls.js"
import { make, setText } from "../theme.js"
import { FactorTable, Gauges } from "./gauges.js"
import {
  NOTHING,
  correlationPicture,
  cosinePicture,
  layersPicture,
  otherPicture,
  spectrumPicture,
  stepsPicture,
} from "./geometry_charts.js"

const REST = 4000 // ms between two looks at a run that still trains

export default class GeometryPanel extends Panel {
  correlation = new Chart("correlation")
  spectrum = new Chart("spectrum")
  cosines = new Chart("similarity")
  steps = new Chart("CKA between steps", "yellow: alike. Where it stays yellow, nothing changes any more")
  layers = new Chart("CKA between layers", "how much the projector keeps of the backbone")
  other = new Chart("CKA with the other run", "yellow: both have come to the same, up to rotation")
  charts = [this.correlation, this.spectrum, this.cosines, this.steps, this.layers, this.other]
  /** The same in words, below each. */
  sentences = new Map(this.charts.map((chart) => [chart, chart.element.appendChild(make("p.ssl-caution"))]))
  all = make("div.ssl-geometries")
  /** @type {any} the run that is looked at */
  run = null
  /** @type {any} what the server says of the layer, of its views, and of likeness */
  body = null
  /** @type {any} */
  seenViews = null
  /** @type {any} */
  cka = null
  /** @type {number | null} the step that is looked at elsewhere on the page; null follows the newest */
  held = null
  /** @type {number | undefined} the newest step with a snapshot */
  newest = undefined
  /** @type {any} what was asked for last */
  asked = null
  last = 0 // when that was, by this page's clock
  near = false // whether it was ever in sight
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined

  constructor(place) {
    super()
    this.place = place
    this.layer = "backbone"
    this.switch = buttonGroup("layer", [])
    this.where = make("span.ssl-good")
    this.note = make("p.ssl-caution")
    this.failure = make("p.ssl-failure")
    this.failure.hidden = true
    this.gauges = new Gauges("Measures", "where each stands on its scale; the notch is step 0")
    this.views = new Gauges("Two views of one image", "")
    this.table = new FactorTable()
    this.build(place)
    this.numbers = new LatestRequest(
      (body) => {
        this.body = body
        this.fail("")
        this.draw()
      },
      (sentence) => this.fail(sentence),
    )
    this.looks = new LatestRequest(
      (body) => {
        this.seenViews = body
        this.drawViews()
      },
      (sentence) => this.noViews(sentence),
    )
    this.alike = new LatestRequest(
      (body) => {
        this.cka = body
        this.drawCka()
      },
      (sentence) => this.noCka(sentence),
    )
    this.deafen = hear(STEP, ({ run, step }) => run === this.data.run && this.turnTo(step))
    this.seen = whenSeen(place, () => {
      this.near = true
      this.ask()
    })
  }

  build(place) {
    for (const chart of [this.steps, this.layers, this.other]) explain(chart.title, "cka")
    this.other.element.hidden = true
    const head = make("header.ssl-head", make("h2.ssl-title", "Geometry of the representation"), this.switch, this.where)
    this.all.append(
      make("div.ssl-numbers", this.gauges.element, make("div.ssl-numbers-right", this.table.element, this.views.element)),
      make(
        "div.ssl-grid",
        ...[this.spectrum, this.cosines, this.correlation, this.steps, this.layers, this.other].map((each) => each.element),
      ),
    )
    place.append(head, this.failure, this.note, this.all)
  }

  turn() {
    this.held = null
    this.body = this.seenViews = this.cka = null
    this.newest = undefined
    this.views.clear()
    this.fail("")
    this.alike.drop()
    this.looks.drop()
    this.numbers.drop()
  }

  turnTo(step) {
    this.held = step
    this.ask()
  }

  update(run) {
    this.run = run
    const newest = run?.snapshots.size ? Math.max(...run.snapshots.keys()) : undefined
    if (newest !== this.newest || this.data.other !== this.asked?.other) {
      const wait = run?.status?.status === "running" && this.newest !== undefined ? Math.max(0, this.last + REST - performance.now()) : 0
      this.newest = newest
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.ask(), wait)
    }
    if (newest === undefined) this.fail(this.why(run))
    if (!this.body) return
    this.draw()
    this.drawViews()
    this.drawCka()
  }

  why(run) {
    if (run?.error) return run.error
    if (run?.status?.over) return "No snapshot of this run is here, and geometry is measured on snapshots."
    return run?.status
      ? "Nothing has been measured in this run yet: the first numbers come with its first snapshot."
      : "The numbers come with the first snapshot of a run."
  }

  /** What stands on the page is that of the newest question; a hidden panel asks nothing. */
  ask() {
    if (!this.near || this.newest === undefined || !this.data.run) return
    if (this.run?.recorded) return this.fail("This is a recording. Train a run, or choose one, and its geometry is measured here.")
    this.last = performance.now()
    const held = this.held !== null && this.run.snapshots.has(this.held) ? this.held : this.newest
    const [path, query] = [`runs/${this.data.run}/geometry`, { step: held, layer: this.layer }]
    this.asked = { other: this.data.other, step: held }
    this.numbers.ask(path, query)
    this.looks.ask(`${path}/views`, query)
    this.alike.ask(`${path}/cka`, { ...query, other: this.data.other || undefined })
  }

  choose(layer) {
    this.layer = layer
    this.ask()
  }

  fail(sentence) {
    setText(this.failure, sentence)
    this.failure.hidden = !sentence
    this.all.hidden = Boolean(sentence) && !this.body
    if (sentence && this.layer !== "backbone") this.choose("backbone") // the next run may have one layer only
  }

  draw() {
    const { body } = this
    this.all.hidden = false
    this.buttons(body)
    setText(
      this.where,
      `${body.layer}, ${body.size} dimensions, step ${body.step.toLocaleString("en-US")}, ${body.images.toLocaleString("en-US")} held-out images`,
    )
    setText(
      this.note,
      body.constant
        ? "All images have the same features: there is no geometry to measure, and the numbers below are those of a single point."
        : "",
    )
    this.gauges.show(body.measures, body.first)
    this.table.show(body.factors, body.first)
    const state = [this.run?.id, body.step, body.layer, this.theme.dark]
    if (this.spectrum.stale(...state)) this.put(this.spectrum, spectrumPicture(body, this.theme))
    if (this.correlation.stale(...state)) this.put(this.correlation, correlationPicture(body, this.theme))
  }

  buttons({ layers, layer }) {
    if (this.switch.children.length !== layers.length) {
      this.switch.replaceChildren(...layers.map((name) => button(name, () => this.choose(name))))
    }
    press(this.switch, (each) => each.textContent === layer)
  }

  drawViews() {
    const body = this.seenViews
    if (!body) return
    this.views.show(body.measures, body.first)
    setText(
      this.views.good,
      `${body.views} new views of ${body.images} held-out images, weights of step ${body.step.toLocaleString("en-US")}`,
    )
    if (!this.cosines.stale(this.run?.id, body.step, this.layer, this.theme.dark)) return
    const picture = cosinePicture(body, this.theme)
    this.cosines.legend(picture.legend)
    this.put(this.cosines, picture)
  }

  noViews(sentence) {
    this.seenViews = null
    this.views.clear()
    setText(this.views.good, sentence)
    this.lack(this.cosines, sentence)
  }

  drawCka() {
    const body = this.cka
    if (!body) return
    const { steps, other, step } = body
    if (!this.steps.stale(this.run?.id, steps, step, this.layer, other?.run, other?.steps, this.theme.dark)) return
    this.put(this.steps, stepsPicture(body, this.theme))
    this.put(this.layers, layersPicture(body, this.theme))
    this.other.element.hidden = !other
    if (other?.sentence) this.lack(this.other, other.sentence)
    else if (other) this.put(this.other, otherPicture(other, steps, this.theme))
  }

  noCka(sentence) {
    this.cka = null
    for (const chart of [this.steps, this.layers, this.other]) this.lack(chart, sentence)
  }

  put(chart, { traces, layout, text }) {
    chart.hint("")
    chart.draw(traces, layout, this.theme, this.run?.id)
    this.tell(chart, text)
  }

  /** Why there is no picture. */
  lack(chart, sentence) {
    this.put(chart, NOTHING)
    chart.hint(sentence)
    chart.state = ""
  }

  /** The same in words, for eyes and for screen readers. */
  tell(chart, text) {
    setText(this.sentences.get(chart), text)
    chart.say(`${chart.title.textContent}. ${text}`)
  }

  remove() {
    clearTimeout(this.timer)
    this.deafen()
    this.seen.disconnect()
    for (const each of [this.numbers, this.looks, this.alike]) each.drop()
    for (const chart of this.charts) chart.remove()
  }
}
