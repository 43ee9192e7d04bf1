// Before the first run: two recorded runs under one clock, which differ by one switch. Every mark is drawn as what its image shows.

import { Panel } from "../panel.js"
import { TimeBar } from "../controls.js"
import { factorOf, ofMeasure } from "../metrics.js"
import { classStyles, make, setText } from "../theme.js"
import { page } from "../page.js"
import { PAIR, frame, pair, place } from "../recorded.js"
import { RecordedMap } from "./recorded_map.js"

const PARTS = 1000 // places of the slider
const CLAIMS = [
  { on: true, claim: "With color jitter: it sorts by shape" },
  { on: false, claim: "Without: it takes the shortcut, color" },
]

export default class RecordedPair extends Panel {
  dark = false
  steps = 1 // of both runs
  /** @type {any} one class for each shape in each color, (N,) */
  labels = null
  /** @type {any} of the classes of each factor */
  names = null
  /** @type {() => void} gives up the next drawing */
  rest = () => {}

  constructor(root) {
    super()
    this.recorded = true
    this.maps = CLAIMS.map((each) => new RecordedMap(each, (i, from) => this.hover(i, from)))
    this.time = new TimeBar(
      "step shown on both maps",
      () => this.turnPlay(),
      (place) => this.scrub(place / PARTS),
    )
    const head = make(
      "header.ssl-head",
      make("span.ssl-title", "Same network, same images, one switch"),
      make("span.ssl-good", "each mark is an image, with its own shape and color; the network gets no labels"),
    )
    this.invitation = make(
      "p.ssl-caution",
      "Two real runs, recorded. Press Start to train your own; the switch is Jitter probability, and with it Grayscale probability.",
    )
    root.append(
      make("section.ssl-chart", head, make("div.ssl-duo", ...this.maps.map((map) => map.element)), this.time.element, this.invitation),
    )
    this.load()
  }

  update() {
    if (this.labels && this.dark !== this.theme.dark) this.paint()
    this.dark = this.theme.dark
  }

  async load() {
    try {
      const { probe, runs } = await pair()
      for (const [i, map] of this.maps.entries()) await this.hand(map, PAIR[i], runs[PAIR[i]], probe)
      this.steps = runs[PAIR[0]].steps
      this.labels = probe.labels.shape.map((shape, i) => shape * probe.names.color.length + probe.labels.color[i])
      this.names = probe.names
      this.paint()
      page.clock.start()
      this.go()
    } catch (error) {
      setText(this.invitation, `${error.message}. Press Start to train a run of your own.`)
    }
  }

  async hand(map, id, run, probe) {
    const steps = Object.keys(run.frames).map(Number)
    const frames = await Promise.all(steps.map((step) => frame(id, step)))
    const picture = run.events.find(([, kind, , , names]) => kind === "snapshot" && names.includes("views"))
    map.take({
      steps,
      maps: frames.map((each) => each.umap),
      accuracy: accuracies(run.events),
      last: run.steps,
      probe,
      sprites: place(id, "sprites.png"),
      views: picture && place(id, `snapshots/${picture[2]}/views.png`),
    })
  }

  /** One class for each shape in each color. */
  paint() {
    const colors = classStyles(this.names.color, this.theme)
    const classes = this.names.shape.flatMap((shape) =>
      colors.map(({ name, color }) => ({ name: `${name} ${shape}`, color, symbol: SYMBOLS[shape] ?? shape })),
    )
    for (const map of this.maps) map.paint(this.labels, classes, this.theme)
  }

  /** The same images are on both maps. */
  hover(i, from) {
    for (const map of this.maps) map.point(i, map === from)
  }

  /** Draws until the clock stands. */
  go() {
    const { clock } = page
    this.rest()
    const share = clock.now()
    for (const map of this.maps) map.show(clock.step(this.steps))
    this.time.show(Math.round(share * PARTS), PARTS + 1, `step ${Math.floor(clock.step(this.steps))} of ${this.steps}`)
    this.time.name(...(clock.going ? ["❚❚", "pause"] : share === 1 ? ["⟲ play again", "play again"] : ["▶", "play"]))
    if (clock.going) this.rest = after(this.data.pause, () => this.go())
  }

  turnPlay() {
    const { clock } = page
    if (clock.going) clock.hold()
    else clock.play()
    this.go()
  }

  scrub(share) {
    page.clock.hold(share)
    this.go()
  }

  remove() {
    this.rest()
    for (const map of this.maps) map.remove()
  }
}

const SYMBOLS = { cross: "plus" } // that of the images stands upright

/** Calls once more after so many milliseconds, or with the next frame; returns what prevents it. */
function after(pause, call) {
  if (!pause) return cancelAnimationFrame.bind(null, requestAnimationFrame(call))
  return clearTimeout.bind(null, setTimeout(call, pause))
}

/** k-NN accuracy a factor, as it was measured: name -> [[step, value]]. */
function accuracies(events) {
  const found = {}
  for (const [, kind, step, , values] of events) {
    if (kind !== "metrics") continue
    for (const name of ofMeasure("knn", Object.keys(values))) (found[factorOf(name)] ??= []).push([step, values[name]])
  }
  return found
}
