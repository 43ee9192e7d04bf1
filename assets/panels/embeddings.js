// The Embeddings page: the maps of one or two runs under one clock, and whatever is pointed at, chosen, drawn around or dropped on them.

import { Panel } from "../panel.js"
import { STEP, announce } from "../announcements.js"
import { make, setText } from "../theme.js"
import { Choices } from "../embeddings/choices.js"
import { Chosen } from "../embeddings/chosen.js"
import { Clock } from "../embeddings/clock.js"
import { Coloring } from "../embeddings/coloring.js"
import { cautionOf } from "../embeddings/kinds.js"
import { Landing, land as landing } from "../embeddings/landing.js"
import { Lasso } from "../embeddings/lasso.js"
import { Scene } from "../embeddings/scene.js"

const FIRST = { layer: "backbone", kind: "umap", points: "probe" } // what every run has
const SETTLED = 300 // ms without a change before the page, and its address, hear of it

export default class EmbeddingsPanel extends Panel {
  choices = new Choices({
    choose: (moved) => this.choose(moved),
    toggle: (name) => this.toggle(name),
  })
  note = make("p.ssl-refusal")
  caution = make("p.ssl-caution")
  clouds = make("div.ssl-clouds")
  graphs = make("div.ssl-curves-beside")
  attention = make("div.ssl-attentions")
  near = new Chosen(
    () => this.coloring.choose("similarity"),
    () => this.pick(-1),
  )
  /** @type {any[]} a map of each run */
  scenes = []
  /** @type {number | null} that is chosen */
  image = null
  /** @type {number[] | null} the points in the lasso */
  chosen = null
  pictures = false // whether points are drawn as their images
  lassoing = false // whether a drag draws a lasso
  layer = "backbone"
  kind = "umap"
  points = "probe"
  /** @type {string | undefined} the first run, as it was drawn last */
  was = undefined
  /** @type {any} an image from outside that is placed on the maps, or null */
  landed = null
  sent = "" // the choices that the page knows
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  telling = undefined

  constructor(place, data) {
    super()
    this.place = place
    this.image = data.image ?? null
    Object.assign(this, { layer: data.layer, kind: data.kind, points: data.points })
    this.coloring = new Coloring(() => this.recolor())
    Object.assign(this.coloring, { mode: data.color, k: data.clusters })
    this.clock = new Clock({
      show: (...to) => this.show(...to),
      ready: (step) => this.scenes.every((each) => each.ready(step)),
      rest: () => this.rest(),
    })
    this.clock.held = data.step ?? null
    this.lasso = new Lasso(
      () => this.select(null),
      (i) => this.pick(i),
    )
    this.landing = new Landing(
      data.datasets,
      (what) => this.ask(what),
      () => this.ask(null),
    )
    this.build(place)
  }

  build(place) {
    const maps = make("div.ssl-maps", this.clouds, this.coloring.legend, this.clock.element, this.caution)
    place.append(
      this.choices.element,
      this.coloring.element,
      this.note,
      make("div.ssl-embeddings-desk", maps, this.graphs),
      this.near.element,
      this.lasso.element,
      this.attention,
      this.landing.element,
    )
    place.ondragover = (event) => event.preventDefault()
    place.ondrop = (event) => {
      event.preventDefault()
      this.landing.take(event.dataTransfer.files)
    }
  }

  /** The page draws it anew: other runs, or another theme. */
  update() {
    const wanted = this.data.runs
    for (const scene of [...this.scenes]) if (!wanted.some((each) => each.id === scene.id)) this.leave(scene)
    this.scenes = wanted.map((wish) => this.scenes.find((each) => each.id === wish.id) ?? this.enter(wish))
    for (const scene of this.scenes) this.hang(scene)
    this.place.dataset.runs = wanted.length
    if (this.was && this.was !== wanted[0]?.id) {
      this.clock.held = null
      this.clear()
    }
    this.was = wanted[0]?.id
    this.buttons()
    this.paint()
  }

  /** What belongs to a run stands in its places on the page. */
  hang(scene) {
    for (const [parent, element] of [
      [this.clouds, scene.element],
      [this.graphs, scene.graphs],
      [this.near.rows, scene.neighbors.element],
      [this.landing.rows, scene.landed.element],
      [this.attention, scene.heads?.element],
    ]) {
      if (element && element.parentElement !== parent) parent.append(element)
    }
    scene.curves.theme = this.theme
    if (scene.run) scene.curves.update(scene.run)
  }

  enter(wish) {
    const scene = new Scene(this, wish)
    if (this.landed) this.land(scene)
    return scene
  }

  leave(scene) {
    scene.remove()
    this.scenes = this.scenes.filter((each) => each !== scene)
  }

  query() {
    return { layer: this.layer, kind: this.kind, points: this.points }
  }

  /** What a run can show is known, or why it cannot. */
  mapped(scene) {
    const known = this.scenes.filter((each) => each.facts)
    const other = Object.entries(FIRST).some(([name, value]) => this[name] !== value)
    if (scene.refusal && other && this.scenes.every((each) => !each.cache.steps.length)) {
      setText(this.note, scene.refusal)
      return this.choose(scene.facts ? { kind: scene.facts.kinds[this.layer]?.[0] ?? FIRST.kind } : FIRST, false)
    }
    if (known.length) {
      this.clock.list([...new Set(known.flatMap((each) => each.cache.steps))].sort((a, b) => a - b))
    }
    this.buttons()
    scene.show(this.clock.now, 0, false)
    this.paint()
    this.rest()
  }

  /** A frame has come from the server. */
  arrived(scene, step) {
    if (!this.clock.playing || scene.cache.at(this.clock.now) === step) scene.show(this.clock.now, 320, false)
    if (scene.cache.at(this.clock.now) === step) this.rest()
  }

  show(step, span, even) {
    for (const scene of this.scenes) {
      scene.show(step, span, even)
      announce(STEP, { run: scene.id, step: this.clock.held, span })
    }
  }

  rest() {
    for (const scene of this.scenes) scene.rest()
    this.tell()
  }

  choose(moved, clean = true) {
    if (clean) setText(this.note, "")
    if (moved.points && moved.points !== this.points) this.image = this.chosen = null
    Object.assign(this, moved)
    this.buttons()
    for (const scene of this.scenes) scene.ask()
    if (this.landed) this.ask(this.landed)
    this.select(this.chosen)
    this.tell()
  }

  recolor() {
    this.buttons()
    this.paint()
    this.rest()
  }

  /** name: `pictures` or `lassoing`. */
  toggle(name) {
    this[name] = !this[name]
    this.clouds.dataset.lasso = this.lassoing ? "yes" : ""
    this.buttons()
    this.paint()
  }

  /** What the controls say. */
  buttons() {
    const known = this.scenes.filter((each) => each.facts)
    this.choices.show(
      this,
      known.map((each) => each.facts),
    )
    this.warn()
    const labeled = known.find((each) => each.points?.count)
    if (labeled) this.coloring.offer(Object.keys(labeled.points.labels ?? {}))
  }

  /** How to read the maps as they are drawn: a PCA that stands in is read as a PCA. */
  warn() {
    const drawn = new Set(this.scenes.length ? this.scenes.map((each) => each.drawn) : [this.kind])
    setText(this.caution, [...drawn].map(cautionOf).join(" "))
  }

  paint() {
    for (const scene of this.scenes) scene.paint()
    this.coloring.explain(this.scenes.find((each) => each.colors)?.colors)
    this.near.show(this.image, this.scenes.find((each) => each.points?.source)?.points, this.coloring.mode)
  }

  hover(i, from = null) {
    for (const scene of this.scenes) if (scene.linked || scene === from) scene.hover(i, scene === from)
  }

  /** An image is chosen on all maps: the same points are the same images. */
  pick(i) {
    this.image = i < 0 ? null : i
    if (this.image === null) for (const scene of this.scenes) scene.forget()
    this.paint()
    this.rest()
  }

  select(chosen) {
    this.chosen = chosen
    const scene = this.scenes.find((each) => each.points?.source)
    if (scene) this.lasso.show(chosen, scene.points)
    this.paint()
  }

  clear() {
    this.coloring.highlighted = null
    this.hover(-1)
    this.select(null)
    this.pick(-1)
  }

  /** An image from outside, or null for none. */
  ask(what) {
    this.landed = what
    this.landing.show(null)
    for (const scene of this.scenes) {
      if (what) this.land(scene)
      else this.put(scene, null)
    }
  }

  async land(scene) {
    const what = this.landed
    this.landing.say("The network looks at it …")
    try {
      const landed = await landing(scene.id, this.query(), what)
      if (this.landed !== what) return
      this.landing.show(landed)
      this.put(scene, landed)
    } catch (error) {
      if (this.landed === what) this.landing.say(error.message)
    }
  }

  put(scene, landed) {
    scene.landing = landed
    scene.shown = null
    scene.show(this.clock.now, 0, false)
    scene.rest()
    scene.paint()
  }

  /** The page writes what is looked at into the address, once hands rest. Never while it plays. */
  tell() {
    clearTimeout(this.telling)
    const choices = { ...this.query(), color: this.coloring.mode, clusters: this.coloring.k, step: this.clock.held, image: this.image }
    const text = JSON.stringify(choices)
    if (text === this.sent) return
    this.telling = setTimeout(() => {
      if (this.clock.playing) return
      this.sent = text
      this.notify("status", choices)
    }, SETTLED)
  }

  remove() {
    clearTimeout(this.telling)
    this.clock.pause()
    for (const scene of [...this.scenes]) this.leave(scene)
  }
}
