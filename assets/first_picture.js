// Before Streamlit's scripts have run: the recorded pair in a place of its own, until the page has a panel there.

import { draw, leave } from "./live.js"
import { page } from "./page.js"
import { make } from "./theme.js"

const PANEL = "recorded-pair"
const PATIENCE = 60_000 // ms for the page to come: over a slow line it takes long
const PAUSE = 150 // ms between two drawings: the page itself must not wait for them
const OTHERS = '[role="dialog"], .stException, .stAlert, [data-testid="stConnectionStatus"]' // what Streamlit shows where it has a problem

const picture = /** @type {HTMLElement} */ (document.getElementById("first-picture"))
const place = (page.early = make("div.ssl-panel"))
const path = location.pathname
picture.append(place)
draw(place, { panel: PANEL, run: null, pause: PAUSE }, () => {}).catch(end)
const observer = new MutationObserver(() => replaced() && end())
observer.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] })
setTimeout(late, PATIENCE)

/** Whether the page has its own panel, which takes over this one, or something else to show: a problem, another page. */
function replaced() {
  const own = document.querySelector(`.ssl-${PANEL}:not(#first-picture *)`)
  return Boolean(own?.firstChild) || location.pathname !== path || Boolean(document.querySelector(OTHERS))
}

function end() {
  observer.disconnect()
  if (!picture.isConnected) return
  leave(place)
  page.early = null
  picture.remove()
}

function late() {
  if (document.getElementById("root")?.childElementCount) end()
  else if (picture.isConnected) picture.querySelector("header span")?.replaceChildren("The page did not load. Reload it.")
}
