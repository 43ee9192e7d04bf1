// The door to the panels: Streamlit's component calls `draw` at first, and again when its data or the theme changes.

import { page } from "./page.js"
import { watch } from "./stream.js"
import { themeOf } from "./theme.js"
import { Transport } from "./panels/transport.js"
import { Curves } from "./panels/curves.js"
import { Plane } from "./panels/plane.js"
import { PointMap } from "./panels/map.js"
import { Collapse } from "./panels/collapse.js"
import { Pictures } from "./panels/pictures.js"
import { Inside } from "./panels/inside.js"
import { ContactSheet } from "./panels/contact.js"
import { Numbers } from "./panels/numbers.js"
import { MaskPanel } from "./panels/mask.js"
import { PairStatus } from "./panels/pair_status.js"
import { Verdicts } from "./panels/verdicts.js"
import { PairMap } from "./panels/pair_map.js"
import { PairCurves } from "./panels/pair_curves.js"
import { Views } from "./panels/views.js"
import { Overlap } from "./panels/overlap.js"
import { Presets } from "./panels/presets.js"
import { Survival } from "./panels/survival.js"
import { Invariance } from "./panels/invariance.js"
import { EmbeddingsPanel } from "./panels/embeddings.js"
import { GeometryPanel } from "./panels/geometry.js"
import { EvaluationPanel } from "./panels/evaluation.js"
import { Losses } from "./panels/losses.js"
import { RecordedPair } from "./panels/recorded_pair.js"

const PANELS = {
  transport: Transport,
  curves: Curves,
  plane: Plane,
  map: PointMap,
  collapse: Collapse,
  pictures: Pictures,
  inside: Inside,
  sheet: ContactSheet,
  numbers: Numbers,
  views: Views,
  overlap: Overlap,
  presets: Presets,
  survival: Survival,
  invariance: Invariance,
  mask: MaskPanel,
  embeddings: EmbeddingsPanel,
  "pair-status": PairStatus,
  verdicts: Verdicts,
  "pair-map": PairMap,
  "pair-curves": PairCurves,
  geometry: GeometryPanel,
  evaluation: EvaluationPanel,
  losses: Losses,
  "recorded-pair": RecordedPair,
}

/**
 * Mounts the panel `data.panel` in `place`, or turns the one that stands there to another run or theme.
 * @param {HTMLElement} place
 * @param {any} data what Python says; panel: its name, run: that it follows
 * @param {(name: string, value: unknown) => void} notify tells the page something
 */
export function draw(place, data, notify) {
  let held = page.panels.get(place)
  if (!held) {
    place.classList.add(`ssl-${data.panel}`)
    held = { place, panel: new PANELS[data.panel](place, data), run: undefined, unwatch: () => {} }
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

/** The panel is gone from the page. */
export function leave(place) {
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
