// What one run's map says in words: which step it shows, why it is empty, how it is to be read. `scene` is a Scene.

import { titleOf } from "./kinds.js"

const number = (step) => step.toLocaleString("en-US")

/** Which step is shown, where that is not the clock's. at: the step that is meant; shown: the one whose frame is drawn. */
export function whenOf({ shadow, cache, atlas }, at, shown) {
  if (shadow) return `step ${number(shadow.step)} · PCA until the first ${titleOf(cache.query.kind)} is ready`
  if (at !== shown) return `laying out${shown === undefined ? "" : ` · step ${number(shown)} of ${number(at)}`} …`
  return at === undefined || atlas.clock.now === at ? "" : `at its step ${number(at)}`
}

/** Why there is no map; nothing where there is one. */
export function absence({ shadow, refusal, facts, cache, run }, at, shown) {
  if (at !== shown) return shown === undefined && !shadow ? "The map is being laid out …" : ""
  if (refusal) return ""
  if (facts && !cache.steps.length) return standing(run) || facts.notes.join(" ") || "Nothing was measured."
  return cache.lost.size && at === undefined ? [...cache.lost.values()][0] : ""
}

/** The map in a sentence, and what keys do. */
export function labelOf({ points, shadow, wanted, drawn, cache, atlas, image }, at) {
  const chosen = image === null ? "" : ` Image ${image} is chosen.`
  const held = atlas.chosen ? ` ${atlas.chosen.length} images are in the lasso.` : ""
  return (
    `Map of ${points.count} images at step ${shadow?.step ?? at} of ${wanted.title}, ${titleOf(drawn)} of the ` +
    `${cache.query.layer}'s output, colored by ${atlas.coloring.mode}.${chosen}${held} ` +
    "Left and right step, up and down go through images, Enter chooses, plus and minus zoom, Escape clears."
  )
}

/** How far the map can be trusted, and what it lacks: sentences, some of them empty. */
export function notesOf({ refusal, linked, facts, cache, shadow, colorMap }, at) {
  const apart = linked ? "" : "Its data are others than those of the first run: what is chosen there has no place here."
  const notes = facts && cache.steps.length ? (facts.notes ?? []) : []
  const lost = [...new Set(cache.lost.values())]
  return [refusal, apart, ...notes, ...lost, ...cache.says(shadow?.facts ?? cache.facts.get(at)), colorMap.sentence]
}

/** How a run stands that has nothing to show yet. */
function standing(run) {
  const { status, message, queue_position: place } = run?.status ?? {}
  if (status === "queued") return place ? `This run waits its turn, at place ${place}.` : "This run waits its turn."
  if (status === "failed") return `This run failed${message ? `: ${message}` : "."}`
  return status === "running" ? "This run has just begun." : ""
}
