// The nearest neighbors of a chosen image: how near they are, and which factors they share with it.

import { LatestRequest } from "../api.js"
import { make, setText, short } from "../theme.js"
import { unpackNeighbors } from "./coloring.js"
import { labelOf, thumb, wordsOf } from "../thumbs.js"

const SHOWN = 12

export class Neighbors {
  /** onAnswer(answer): the neighbors are there, or null. pick(i): somebody goes on to a neighbor. */
  constructor(onAnswer, pick) {
    this.pick = pick
    this.name = make("span.ssl-layer")
    this.sentence = make("p.ssl-sentence")
    this.sentence.setAttribute("role", "status")
    this.row = make("div.ssl-neighbors")
    this.element = make("div.ssl-neighborhood", make("header.ssl-head", this.name, this.sentence), this.row)
    this.latest = new LatestRequest(
      (body) => onAnswer(unpackNeighbors(body)),
      (sentence) => this.refuse(sentence, onAnswer),
    )
    this.clear()
  }

  clear() {
    this.latest.drop()
    this.row.replaceChildren()
    setText(this.sentence, "")
  }

  ask(run, { layer, points }, step, image) {
    this.latest.ask(`runs/${run}/neighbors`, { layer, points, step, image, k: SHOWN })
  }

  refuse(sentence, onAnswer) {
    setText(this.sentence, sentence)
    this.row.replaceChildren()
    onAnswer(null)
  }

  /** neighbors: [{ image, similarity, distance, shared }]; points: whose pictures they are; image: null where it is no point. */
  show(neighbors, points, step, notes = []) {
    const factors = Object.keys(points.labels ?? {})
    const counts = factors
      .map((factor) => [factor, neighbors.filter((each) => each.shared?.[factor]).length])
      .filter(([factor]) => neighbors.some((each) => factor in (each.shared ?? {})))
    const shared = counts
      .sort(([, a], [, b]) => b - a)
      .map(([factor, count]) => `${count} share ${factor}`)
      .join(", ")
    const agreement = shared || factors.map((factor) => most(neighbors, points, factor)).join(", ")
    const found = agreement ? `of ${neighbors.length} neighbors ${agreement}` : `${neighbors.length} neighbors`
    setText(this.sentence, [`At step ${step.toLocaleString("en-US")} ${found}.`, ...notes].join(" "))
    this.row.replaceChildren(...neighbors.map((each, place) => this.card(each, place, points, factors)))
  }

  card({ image, similarity, distance, shared }, place, points, factors) {
    const words = `neighbor ${place + 1}, image ${image}, cosine ${short(similarity)}, distance ${short(distance)}; ${wordsOf(points, image)}`
    const card = make(
      "button.ssl-neighbor",
      thumb(points, image),
      make("b", short(similarity)),
      make("span.ssl-apart", `distance ${short(distance)}`),
    )
    card.type = "button"
    card.setAttribute("aria-label", words)
    card.onclick = () => this.pick(image)
    for (const factor of factors.filter((each) => each in (shared ?? {}))) {
      const mark = make("span.ssl-shared", `${shared[factor] ? "✓" : "✗"} ${labelOf(points, factor, image)}`)
      mark.dataset.shared = shared[factor] ? "yes" : "no"
      mark.title = `${factor}: ${shared[factor] ? "shared" : "not shared"}`
      card.append(mark)
    }
    return card
  }
}

/** "7 are circle": the class that most neighbors of an image without labels have. */
function most(neighbors, points, factor) {
  const counts = new Map()
  for (const { image } of neighbors) counts.set(labelOf(points, factor, image), (counts.get(labelOf(points, factor, image)) ?? 0) + 1)
  const [name, count] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? ["none", 0]
  return `${count} are ${name}`
}
