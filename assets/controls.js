// Controls that every page makes alike: buttons, groups of them, the keys of a legend, and the bar of a clock.

import { symbol } from "./symbols.js"
import { make, setText } from "./theme.js"

/**
 * @param {string} text what stands on it
 * @param {() => void} act
 * @param {string} label what it does, for a pointer that rests on it and for those who cannot see it
 */
export function button(text, act, label = text) {
  const element = make("button.ssl-button", text)
  element.type = "button"
  element.onclick = act
  name(element, text, label)
  return element
}

/** A sign alone says nothing: its name is what it does. Words stay in the name, since that is what people say aloud to press them. */
export function name(element, text, label) {
  element.title = label
  element.setAttribute("aria-label", text === label || !/\p{L}/u.test(text) ? label : `${text}: ${label}`)
}

/** Buttons that belong together, of which one is usually pressed. */
export function buttonGroup(label, buttons) {
  const group = make("div.ssl-switch", ...buttons)
  group.setAttribute("role", "group")
  group.setAttribute("aria-label", label)
  return group
}

/** Marks the buttons of a group that are pressed. */
export function press(group, pressed) {
  for (const each of group.children) each.setAttribute("aria-pressed", String(pressed(each)))
}

/**
 * One class in a legend; a click lets it stand out.
 * @param {{ name: string, color: string, symbol: string }} style
 */
export function classKey(style, pressed, act) {
  const key = make("button.ssl-key", symbol(style), style.name)
  key.type = "button"
  key.setAttribute("aria-pressed", String(pressed))
  key.onclick = act
  return key
}

/**
 * The classes that stand out after a click on one more of them; null is all.
 * @param {Set<number> | null} highlighted
 * @param {number} place
 */
export function toggled(highlighted, place) {
  const next = new Set(highlighted)
  if (!next.delete(place)) next.add(place)
  return next.size ? next : null
}

/** A menu of [value, text]. */
export function menu(label, entries, chosen) {
  const element = make("select.ssl-select", ...entries.map(([value, text]) => Object.assign(make("option", text), { value })))
  element.setAttribute("aria-label", label)
  element.onchange = () => chosen(element.value)
  return element
}

/** Play, a slider over steps, and where it stands. */
export class TimeBar {
  /** play(): somebody pressed it; go(place): somebody moved the slider. */
  constructor(label, play, go) {
    this.play = button("▶", play, "play")
    this.play.classList.add("ssl-play")
    this.slider = make("input.ssl-scrub")
    Object.assign(this.slider, { type: "range", min: 0, max: 0, value: 0, oninput: () => go(+this.slider.value) })
    this.slider.setAttribute("aria-label", label)
    this.when = make("span.ssl-when")
    this.element = make("div.ssl-time", this.play, this.slider, this.when)
  }

  /** Of `count` places the one where it stands. */
  show(place, count, text) {
    this.slider.max = String(Math.max(count - 1, 0))
    this.slider.value = String(Math.max(place, 0))
    this.slider.disabled = this.play.disabled = count < 2
    setText(this.when, text)
  }

  /** What a press of play would do. */
  name(text, label) {
    setText(this.play, text)
    this.play.title = label
    this.play.setAttribute("aria-label", label)
  }
}

/** Calls `seen()` once, when the element first comes near the window. */
export function whenSeen(element, seen, margin = "200px") {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return
      observer.disconnect()
      seen()
    },
    { rootMargin: margin },
  )
  observer.observe(element)
  return observer
}
