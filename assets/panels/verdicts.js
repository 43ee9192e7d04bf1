// What the judge says of the healthy and of the broken run, side by side.

import { Panel } from "../panel.js"
import { explain } from "../definitions.js"
import { make, setText } from "../theme.js"
import { SIDES, RunPair, sideColors } from "../pair.js"
import { Grounds, capital, detectedAt, stateOf } from "../verdict.js"

const WAITING = "The judge answers once training has begun."

export default class Verdicts extends Panel {
  constructor(place) {
    super()
    this.cards = Object.fromEntries(SIDES.map((side) => [side, new Card(side)]))
    place.append(make("div.ssl-cards", ...SIDES.map((side) => this.cards[side].element)))
    this.pair = new RunPair(() => this.draw())
  }

  update() {
    this.pair.follow(this.data)
    this.draw()
  }

  draw() {
    const colors = sideColors(this.theme)
    for (const side of SIDES) this.cards[side].update(this.pair.runs[side], colors[side])
  }

  remove() {
    this.pair.remove()
  }
}

class Card {
  constructor(side) {
    this.dot = make("span.ssl-dot")
    this.state = make("strong.ssl-state")
    this.state.setAttribute("role", "status")
    this.since = make("span.ssl-good")
    this.sentence = make("p.ssl-sentence")
    this.grounds = new Grounds(true)
    this.element = make(
      "section.ssl-card",
      make("header.ssl-head", explain(make("span.ssl-title", capital(side)), "verdict")),
      make("div.ssl-line", this.dot, this.state, this.since),
      this.sentence,
      this.grounds.element,
    )
    this.element.setAttribute("aria-label", `verdict of the ${side} run`)
  }

  update(run, color) {
    const missing = Boolean(run?.error)
    const failed = run?.status?.status === "failed"
    const verdict = missing ? null : run?.verdict
    const since = detectedAt(run)
    this.element.style.setProperty("--color", color)
    this.dot.dataset.state = failed ? "failed" : stateOf(verdict)
    setText(
      this.state,
      missing ? "No such run" : failed && !verdict?.state.includes("divergence") ? "Failed" : capital(verdict?.state) || "Not judged yet",
    )
    setText(this.since, verdict && verdict.state !== "starting" ? `since step ${since.step}, now step ${verdict.step}` : "")
    setText(
      this.sentence,
      missing ? "It was deleted, or it is on another machine." : failed ? run.status.message : (verdict?.sentence ?? WAITING),
    )
    this.grounds.update(verdict)
  }
}
