// The door to the panels: Streamlit's component calls `draw` at first, and again when its data or the theme changes.

import { page } from "./page.js"
import { watch } from "./stream.js"
import { themeOf } from "./theme.js"

/**
 * Mounts the panel `data.panel` in `place`, or turns the one that stands there to another run or theme. A panel is the default export of
 * its file in panels/, which is loaded when a page shows it first.
 * @param {HTMLElement} place
 * @param {any} data what Python says; panel: its name, run: that it follows
 * @param {(name: string, value: unknown) => void} notify tells the page something
 */
export async function draw(place, data, notify) {
  page.wanted.set(place, data)
  const { default: Kind } = await import(`./panels/${data.panel.replaceAll("-", "_")}.js`)
  if (page.wanted.get(place) === data) show(place, Kind, data, notify) // else it has left, or was told something newer meanwhile
}

function show(place, Kind, data, notify) {
  let held = page.panels.get(place)
  if (!held) {
    place.classList.add(`ssl-${data.panel}`)
    held = { place, panel: early(place, Kind) ?? new Kind(place, data), run: undefined, unwatch: () => {} }
    page.panels.set(place, held)
  }
  held.panel.data = data
  held.panel.notify = notify
  held.panel.theme = themeOf(place)
  document.documentElement.style.setProperty("--ssl-background", held.panel.theme.background) // the page's own, which only components are told
  if (held.run !== data.run) {
    held.run = data.run
    const leave = held.unwatch
    held.panel.turn(data.run)
    held.unwatch = data.run ? watch(data.run, (run) => refresh(held, run)) : () => {}
    leave()
  }
  refresh(held, held.last?.id === data.run ? held.last : null)
}

/** The panel of this kind that was drawn before there was a page for it: it moves to its place as it is. */
function early(place, Kind) {
  const before = page.early && page.panels.get(page.early)
  if (!before || before.place === place || before.panel.constructor !== Kind) return null
  place.append(...before.place.childNodes)
  page.panels.delete(before.place)
  page.early = null
  return before.panel
}

/** The panel is gone from the page. */
export function leave(place) {
  page.wanted.delete(place)
  const held = page.panels.get(place)
  if (!held) return
  held.unwatch()
  held.panel.remove()
  page.panels.delete(place)
}

function refresh(held, run) {
  held.last = run
  held.place.toggleAttribute("data-recorded", Boolean(held.panel.recorded ?? run?.recorded)) // says so beside its titles
  held.panel.update(run)
}

rememberBrowser()

/** One browser counts as one person in the queue. */
function rememberBrowser() {
  const name = "ssl_playground_owner"
  if (document.cookie.includes(`${name}=`)) return
  const id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("")
  document.cookie = `${name}=${id}; path=/; max-age=31536000; SameSite=Lax`
}
