// What the collapse judge says of a run: its state, why, what to change, and every rule with its threshold. Drawn alike on every page.

import { explain } from "./definitions.js"
import { make, setText, short } from "./theme.js"

// What the judge calls its numbers -> their definitions, where they are shown elsewhere, too.
const MEANT = {
  spread: "spread",
  "effective dimensions": "rank",
  "participation ratio": "participation_ratio",
  "bins in use": "*/perplexity",
  "view agreement": "view_agreement",
  "change since the start": "moved",
  "variance explained": "explained/*",
  "largest gain of k-NN": "check/gain of k-NN",
}

/**
 * "Complete collapse. All images look alike ...", or what stands there before the judge has spoken. Until its last step a run goes on
 * after each verdict, and curves may be ahead of it: "At step 100: complete collapse. All images look alike ..."
 */
export function sentenceOf(run, otherwise = "") {
  const { state, step, sentence } = run?.verdict ?? {}
  if (!state) return otherwise
  const ahead = state !== "starting" && step < run.steps
  return `${ahead ? `At step ${step.toLocaleString("en-US")}: ${state}` : capital(state)}. ${sentence}`
}

export function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : ""
}

/** What stands in `data-state`, which gives the dot its color. */
export function stateOf(verdict) {
  return verdict ? verdict.state.replaceAll(" ", "-") : ""
}

/** { state, step }: since when the judge gave its present verdict; null while there is none. */
export function detectedAt(run) {
  const verdicts = run?.verdicts ?? []
  if (!verdicts.length) return null
  let first = verdicts.length - 1
  while (first > 0 && verdicts[first - 1].state === verdicts.at(-1).state) first -= 1
  return verdicts[first]
}

/** Advice, layers and checks, below the sentence. A run of an older version has none of them: then nothing is shown. */
export class Grounds {
  /** apart: rules that are met stand outside the fold, as evidence; else all of them are in it. */
  constructor(apart = false) {
    this.apart = apart
    this.advice = make("p.ssl-advice")
    this.layers = make("div.ssl-layers")
    this.rows = make("tbody")
    this.met = make("tbody")
    this.summary = make("summary")
    this.fold = make("details.ssl-checks", this.summary, make("table", this.rows))
    this.element = make("div.ssl-grounds", this.advice, this.layers, make("div.ssl-checks", make("table", this.met)), this.fold)
  }

  update(verdict) {
    const { advice = "", layers = {} } = verdict ?? {}
    const checks = distinct(verdict?.checks ?? [])
    setText(this.advice, advice)
    this.advice.hidden = !advice
    this.say(Object.entries(layers))
    const met = checks.filter(counts)
    const rest = checks.filter((each) => !counts(each))
    const folded = this.apart ? rest : [...met, ...rest]
    this.fold.hidden = !folded.length
    const unclear = checks.filter((each) => !counts(each) && inGray(each)).length
    const besides = `${unclear ? `, ${unclear} ${unclear > 1 ? "are" : "is"} unclear` : ""}${doubt(verdict, met.length, unclear)}`
    setText(
      this.summary,
      this.apart
        ? `${finding(rest.length - unclear)} no problem${besides}`
        : `${met.length} of ${checks.length} checks find a problem${besides}`,
    )
    tabulate(this.met, this.apart ? met : [])
    tabulate(this.rows, folded)
  }

  say(layers) {
    this.layers.hidden = !layers.length
    while (this.layers.children.length > layers.length) this.layers.lastChild.remove()
    layers.forEach(([layer, state], i) => {
      const chip = this.layers.children[i] ?? this.layers.appendChild(make("span.ssl-judged", make("span.ssl-dot"), make("span")))
      chip.firstChild.dataset.state = state.replaceAll(" ", "-")
      setText(chip.lastChild, `${layer}: ${state}`)
    })
  }
}

/** Each check once: several rules of one failure may ask the same. One that counts stands for those that do not. */
export function distinct(checks) {
  const kept = new Map()
  for (const each of checks) {
    const key = JSON.stringify([each.layer, each.what, each.says])
    if (!kept.has(key) || counts(each)) kept.set(key, each)
  }
  return [...kept.values()]
}

function finding(count) {
  return count === 1 ? "1 check finds" : `${count} checks find`
}

/** Why a verdict is unclear where no check finds a problem. */
function doubt(verdict, met, unclear) {
  if (verdict?.state !== "unclear" || met) return ""
  return unclear ? ": too few are clear to call it healthy" : ", but there is not enough evidence that anything was learned"
}

function tabulate(rows, checks) {
  while (rows.children.length > checks.length) rows.lastChild.remove()
  checks.forEach((check, i) => row(rows.children[i] ?? rows.appendChild(blank()), check))
}

function blank() {
  const track = make("div.ssl-track", make("i.ssl-fill"), make("b.ssl-limit"))
  return make("tr", make("td.ssl-what", make("span")), make("td.ssl-measured", track), make("td.ssl-rule"), make("td.ssl-says"))
}

/** A rule may need several checks: they count once all of them are met, and it is not too early. */
function counts(check) {
  return check.holds ?? check.met
}

/** Whether its value lies between the two edges of its limit. */
function inGray({ value, side, limit, clears = limit, met }) {
  return !met && (side === "below" ? value < clears : value > clears)
}

/** One check: a bar as long as the value, with the threshold marked on it. */
function row(element, check) {
  const { layer, what, value, side, limit, clears = limit, says, met } = check
  const gray = inGray(check)
  const [named, measured, rule, meaning] = element.children
  const [fill, mark] = measured.firstChild.children
  const most = 1.25 * Math.max(Math.abs(value ?? 0), Math.abs(limit), 1e-12)
  element.dataset.met = counts(check) ? "yes" : "no"
  const quantity = what.split(/, | by | on /)[0]
  setText(explain(named.firstChild, MEANT[quantity] ?? `check/${quantity}`), layer ? `${what}, ${layer}` : what)
  fill.style.width = `${(100 * Math.max(value ?? 0, 0)) / most}%`
  fill.dataset.state = counts(check) ? "bad" : met || gray ? "fair" : "good"
  mark.style.left = `${(100 * Math.max(limit, 0)) / most}%`
  setText(rule, `${short(value)} ${met ? (side === "below" ? "<" : ">") : side === "below" ? "≥" : "≤"} ${short(limit)}`)
  rule.title = `${what} is ${short(value)}; ${side} ${short(limit)} is a sign of ${says}`
  const cleared = says.startsWith("no ") ? says.slice(3) : `not ${says}`
  const doubt = `unclear: ${cleared} ${side === "below" ? "from" : "up to"} ${short(clears)}`
  setText(meaning, counts(check) ? says : met ? "alone not enough" : gray ? doubt : cleared)
}
