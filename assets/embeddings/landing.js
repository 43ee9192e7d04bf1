// An image that is not on the map: where would each step of the run have put it, and who are its neighbors there?

import { explain } from "../definitions.js"
import { addressOf, request } from "../api.js"
import { make, setText } from "../theme.js"
import { unpack } from "../arrays.js"
import { button } from "../controls.js"

/** The controls: a file, or a number of a dataset. asked(what): { file } or { data, image }; cleared(). */
export class Landing {
  constructor(datasets, asked, cleared) {
    this.asked = asked
    this.file = make("input")
    Object.assign(this.file, { type: "file", accept: "image/*", hidden: true, onchange: () => this.take(this.file.files) })
    this.data = make("select.ssl-select", ...datasets.map(({ name, title }) => Object.assign(make("option", title), { value: name })))
    this.data.setAttribute("aria-label", "dataset")
    this.number = Object.assign(make("input.ssl-count"), { type: "number", min: 0, value: 0 })
    this.number.setAttribute("aria-label", "image number")
    this.picture = make("img.ssl-landed")
    this.picture.alt = "the image as the network sees it"
    this.picture.hidden = true
    this.status = make(
      "p.ssl-sentence",
      "Any image: your own, or one of a dataset. Every step of the run places it again; the star shows where.",
    )
    this.status.setAttribute("role", "status")
    this.away = button("Take it away", cleared)
    this.away.hidden = true
    const pick = button(
      "Show it",
      () => asked({ data: this.data.value, image: this.number.value }),
      "place this image of the dataset on the map",
    )
    const upload = button("Upload an image", () => this.file.click(), "or drop one on the map")
    upload.classList.add("ssl-strong")
    const tray = make(
      "div.ssl-tray",
      upload,
      this.file,
      make("span.ssl-good", "or"),
      this.data,
      make("span.ssl-good", "number"),
      this.number,
      pick,
      this.away,
    )
    const head = make("header.ssl-head", explain(make("span.ssl-title", "Where does an image land?"), "map/landing"))
    this.rows = make("div.ssl-landings")
    this.element = make("section.ssl-part.ssl-landing", head, tray, make("div.ssl-line", this.picture, this.status), this.rows)
  }

  take(files) {
    const file = files[0]
    this.file.value = ""
    if (!file) return
    if (file.type && !file.type.startsWith("image/")) return this.say(`A picture must be sent here, got ${file.type}.`)
    this.asked({ file })
  }

  say(sentence) {
    setText(this.status, sentence)
  }

  show(landed) {
    this.picture.hidden = this.away.hidden = !landed
    if (landed) this.picture.src = addressOf(landed.picture)
    this.say(
      landed
        ? `The star is where it lands: ${landed.how}.`
        : "Any image: your own, or one of a dataset. Every step of the run places it again; the star shows where.",
    )
  }
}

/** Where an image lands on the maps of one run. Raises an Error with the server's sentence. */
export async function land(run, query, what) {
  const address = addressOf(`runs/${run}/land`, what.file ? query : { ...query, ...what })
  const { ok, body, error } = await request(address, what.file ? { method: "POST", body: what.file } : {})
  if (!ok) throw new Error(error)
  const steps = Object.entries(body.steps).map(([step, each]) => ({ step: +step, ...each, xy: point(each.xy) }))
  return { ...body, steps: steps.sort((a, b) => a.step - b.step) }
}

/** What an image is at a step: at it, or at the last one before it where the network was kept. */
export function landedAt(landed, step) {
  return landed?.steps.filter((each) => each.step <= step).at(-1) ?? landed?.steps[0] ?? null
}

function point(xy) {
  const [x, y, z = 0] = xy?.data ? unpack(xy) : xy.flat()
  return [x, y, z]
}
