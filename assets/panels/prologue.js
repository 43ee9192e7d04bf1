// Before the first run: two recorded runs under one clock, which differ by one switch. Every mark is drawn as what its image shows.

import { make, setText, classStyles } from "../theme.js"
import { PAIR, clock, frame, pair, place } from "../recorded.js"
import { Twin } from "./twin.js"

const CLAIMS = [
  { on: true, claim: "With color jitter: it sorts by shape" },
  { on: false, claim: "Without: it takes the shortcut, color" },
]

export class Prologue {
  constructor(root) {
    this.recorded = true
    this.twins = CLAIMS.map((each) => new Twin(each))
    this.play = make("button.ssl-button.ssl-play")
    this.play.type = "button"
    this.play.onclick = () => this.turnPlay()
    this.slider = make("input.ssl-scrub")
    Object.assign(this.slider, { type: "range", min: 0, max: 1000, value: 0, oninput: () => this.scrub(this.slider.value / 1000) })
    this.slider.setAttribute("aria-label", "step shown on both maps")
    this.when = make("span.ssl-when")
    const head = make(
      "header.ssl-head",
      make("span.ssl-title", "Same network, same images, one switch"),
      make("span.ssl-good", "each mark is an image, with its own shape and color; the network is told neither"),
    )
    this.invitation = make(
      "p.ssl-caution",
      "Two real runs, recorded. Press Start to train your own; the switch is Jitter probability, and with it Grayscale probability.",
    )
    root.append(
      make(
        "section.ssl-chart",
        head,
        make("div.ssl-duo", ...this.twins.map((twin) => twin.element)),
        make("div.ssl-time", this.play, this.slider, this.when),
        this.invitation,
      ),
    )
    this.load()
  }

  turn() {}

  update() {
    if (this.labels && this.dark !== this.theme.dark) this.paint()
    this.dark = this.theme.dark
  }

  async load() {
    try {
      const { probe, runs } = await pair()
      for (const [i, twin] of this.twins.entries()) await this.hand(twin, PAIR[i], runs[PAIR[i]], probe)
      this.steps = runs[PAIR[0]].steps
      this.labels = probe.labels.shape.map((shape, i) => shape * probe.names.color.length + probe.labels.color[i])
      this.names = probe.names
      this.paint()
      clock.start()
      this.go()
    } catch (error) {
      setText(this.invitation, `${error.message}. Press Start to train a run of your own.`)
    }
  }

  async hand(twin, id, run, probe) {
    const steps = Object.keys(run.frames).map(Number)
    const frames = await Promise.all(steps.map((step) => frame(id, step)))
    const picture = run.events.find(([, kind, , , names]) => kind === "snapshot" && names.includes("views"))
    twin.take({
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
    for (const twin of this.twins) twin.paint(this.labels, classes, this.theme)
  }

  /** Draws until the clock stands. */
  go() {
    cancelAnimationFrame(this.frame)
    const share = clock.now()
    for (const twin of this.twins) twin.show(clock.step(this.steps))
    this.slider.value = Math.round(share * 1000)
    setText(this.when, `step ${Math.floor(clock.step(this.steps))} of ${this.steps}`)
    this.name(clock.going ? ["❚❚", "pause"] : share === 1 ? ["⟲ play again", "play again"] : ["▶", "play"])
    if (clock.going) this.frame = requestAnimationFrame(() => this.go())
  }

  name([text, meaning]) {
    setText(this.play, text)
    this.play.title = meaning
    this.play.setAttribute("aria-label", meaning)
  }

  turnPlay() {
    clock.going ? clock.hold() : clock.play()
    this.go()
  }

  scrub(share) {
    clock.hold(share)
    this.go()
  }

  remove() {
    cancelAnimationFrame(this.frame)
    for (const twin of this.twins) twin.remove()
  }
}

const SYMBOLS = { cross: "plus" } // that of the images stands upright

/** k-NN accuracy a factor, as it was measured: name -> [[step, value]]. */
function accuracies(events) {
  const found = {}
  for (const [, kind, step, , values] of events) {
    if (kind !== "metrics") continue
    for (const [name, value] of Object.entries(values)) if (name.startsWith("knn/")) (found[name.slice(4)] ??= []).push([step, value])
  }
  return found
}
