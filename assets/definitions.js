// What every number means, at its label: with a pointer above it, with the keyboard on it, with a touch. Titles come from here, too.

import { DEFINITIONS } from "./declared.js"
import { formula } from "./formula.js"
import { page } from "./page.js"
import { inAnyLayer } from "./metrics.js"
import { make, themeOf } from "./theme.js"

const AFTER = 250 // ms that a pointer rests on a label before it is explained
const CONTROL = { tabindex: "0", role: "button", "aria-expanded": "false" } // what a label that explains itself is to a keyboard

/** The definition of a metric by its name, "projector/alignment", or by the pattern that it fits, "knn/*"; undefined where there is none. */
export function definitionOf(name) {
  const plain = inAnyLayer(String(name))
  if (Object.hasOwn(DEFINITIONS, plain)) return DEFINITIONS[plain]
  const fits = ([pattern, _]) => pattern.includes("*") && new RegExp(`^${pattern.replace("*", ".*")}$`).test(plain)
  return Object.entries(DEFINITIONS).find(fits)?.[1]
}

/** What stands at the axis of a number: its unit, or where it has none of its own the number's name. */
export function axisTitle(definition, name) {
  const [unit] = (definition?.unit ?? "").split(/[,:;.]/)
  return !unit || unit === "none" || unit === "the method's own" ? name : unit
}

/** From now on `label` explains itself; what: the name of a metric, a definition that a run brings along, or null for none. Returns it. */
export function explain(label, what) {
  const definition = typeof what === "string" ? definitionOf(what) : what
  if (page.explained.get(label) === definition) return label
  if (page.explanation.label === label) hide()
  if (definition) page.explained.set(label, definition)
  else page.explained.delete(label)
  label.classList.toggle("ssl-defined", Boolean(definition))
  for (const [name, value] of Object.entries(CONTROL)) {
    if (definition) label.setAttribute(name, value)
    else label.removeAttribute(name)
  }
  return label
}

const box = make("div.ssl-definition")
box.id = "ssl-definition"
box.setAttribute("role", "status")
box.hidden = true

/** pinned: it stays when the pointer leaves. */
function show(label, pinned) {
  const { explanation } = page
  clearTimeout(explanation.timer)
  if (explanation.label !== label) hide()
  Object.assign(explanation, { label, pinned })
  box.replaceChildren(...content(page.explained.get(label)))
  const theme = themeOf(label)
  Object.assign(box.style, { background: theme.background, color: theme.text, borderColor: theme.line, fontFamily: theme.font })
  if (!box.isConnected) document.body.append(box)
  box.hidden = false
  place(label.getBoundingClientRect())
  label.setAttribute("aria-expanded", "true")
  label.setAttribute("aria-describedby", box.id)
}

function hide() {
  const { explanation } = page
  clearTimeout(explanation.timer)
  const { label } = explanation
  if (!label) return
  box.hidden = true
  label.setAttribute("aria-expanded", "false")
  label.removeAttribute("aria-describedby")
  Object.assign(explanation, { label: null, pinned: false })
}

/** Below its label, or above where there is no room; a narrow page has it at its foot. */
function place({ left, top, bottom }) {
  const [wide, tall] = [box.offsetWidth, box.offsetHeight]
  const below = bottom + 6 + tall <= innerHeight || top < tall + 6
  Object.assign(box.style, {
    left: `${Math.max(8, Math.min(left, innerWidth - wide - 8))}px`,
    top: `${below ? Math.min(bottom + 6, Math.max(8, innerHeight - tall - 8)) : top - tall - 6}px`,
  })
}

function content({ title, good, meaning, formula: text, latex, unit, source }) {
  const rows = [
    ["Formula", latex ? formula(latex) : linked(text)],
    ["Unit", linked(unit)],
    ["Read", linked(good)],
    ["Source", linked(source)],
  ]
  const list = make(
    "dl",
    ...rows
      .filter(([, value]) => value && value.length !== 0)
      .flatMap(([name, value]) => [make("dt", name), make("dd", ...[value].flat())]),
  )
  return [make("strong", title), ...(meaning ? [make("p", ...linked(meaning))] : []), list]
}

/** Text whose addresses can be followed, and whose commands in backticks are code. */
function linked(text = "") {
  return text
    .split(/(https?:\/\/\S+|`[^`]+`)/)
    .filter(Boolean)
    .map((part) => {
      if (/^`.+`$/.test(part)) return make("code", part.slice(1, -1))
      if (!/^https?:/.test(part)) return part
      const link = make("a", part.replace(/^https?:\/\//, ""))
      Object.assign(link, { href: part, target: "_blank", rel: "noreferrer" })
      return link
    })
}

/** Clicks and keys open what stays, and close it again. */
function turn(label) {
  const { explanation } = page
  if (label === explanation.label && explanation.pinned) hide()
  else show(label, true)
}

const labelAt = (event) => (event.target instanceof Element ? event.target.closest(".ssl-defined") : null)

/** After a while, unless something else happens before. */
function soon(act) {
  clearTimeout(page.explanation.timer)
  page.explanation.timer = setTimeout(act, AFTER)
}

function pointed(event) {
  const { explanation } = page
  const label = labelAt(event)
  if (event.pointerType === "touch" || explanation.pinned) return
  if (label && label !== explanation.label) soon(() => show(label, false))
  else if (label || box.contains(event.target)) clearTimeout(explanation.timer)
  else soon(hide)
}

function focused(event) {
  const label = labelAt(event)
  if (label?.matches(":focus-visible")) show(label, false)
}

function blurred(event) {
  const { label, pinned } = page.explanation
  if (labelAt(event) === label && !pinned && !box.contains(event.relatedTarget)) hide()
}

function clicked(event) {
  const label = labelAt(event)
  if (label) turn(label)
  else if (!box.contains(event.target)) hide()
}

function keyed(event) {
  const label = labelAt(event)
  if (event.key === "Escape" && page.explanation.label) {
    hide()
    event.stopPropagation()
  } else if (label && label === document.activeElement && ["Enter", " "].includes(event.key)) {
    event.preventDefault()
    turn(label)
  }
}

document.addEventListener("pointerover", pointed)
document.addEventListener("focusin", focused)
document.addEventListener("focusout", blurred)
document.addEventListener("click", clicked)
document.addEventListener("keydown", keyed, true)
document.addEventListener("scroll", (event) => !box.contains(/** @type {Node} */ (event.target)) && hide(), true)
