// One run's map on the page: its cloud of points, its frames, its curves, and who is near what was chosen.

import { LatestRequest, addressOf } from "../api.js"
import { watch } from "../stream.js"
import { make, setText } from "../theme.js"
import Curves from "../panels/curves.js"
import { standOut } from "../points/colors.js"
import { Stage } from "../points/stage.js"
import { ColorMap } from "./coloring.js"
import { FrameCache } from "./frame_cache.js"
import { Heads } from "./heads.js"
import { isRound, titleOf } from "./kinds.js"
import { landedAt } from "./landing.js"
import { Neighbors } from "./neighbors.js"
import { SceneHead } from "./scene_head.js"
import { absence, labelOf, notesOf, whenOf } from "./scene_sentences.js"

export class Scene {
  notes = make("p.ssl-caution.ssl-notes")
  graphs = make("div.ssl-graphs")
  key = "" // layer, projection and points that were asked for
  state = "" // of the run, when it was asked last
  refusal = "" // the sentence of the server, why there is no map
  /** @type {any} what the server says that can be shown */
  facts = null
  /** @type {any} the points: count, labels, names, and where their pictures are */
  points = null
  asPoints = "" // what was asked for to have them
  /** @type {HTMLImageElement | null} their pictures */
  sheet = null
  /** @type {any} where an image from outside lies at each step */
  landing = null
  /** @type {any} where it lies now */
  star = null
  /** @type {any} a PCA that stands in for the map */
  shadow = null
  /** @type {string | null} what is on the canvas */
  shown = null
  /** @type {any} the neighbors of the chosen image */
  found = null
  /** @type {import("../points/colors.js").Colors | null} */
  colors = null
  /** @type {any} what is known of the run */
  run = null

  /** atlas: what all scenes share: the choices, the clock, what is picked. */
  constructor(atlas, wanted) {
    this.atlas = atlas
    this.id = wanted.id
    this.wanted = wanted
    this.stage = new Stage(
      "application",
      {
        hover: (i) => atlas.hover(i, this),
        pick: (i) => this.linked && atlas.pick(i),
        lasso: (all) => this.linked && atlas.select(all),
        step: (by) => atlas.clock.by(by),
        play: () => atlas.clock.toggle(),
        clear: () => atlas.clear(),
      },
      "Asking for the map …",
    )
    this.notes.setAttribute("role", "status")
    this.head = new SceneHead(wanted.title)
    this.element = make("section.ssl-chart.ssl-scene", this.head.element, this.stage.element, this.notes)
    this.cache = new FrameCache((step) => atlas.arrived(this, step))
    this.colorMap = new ColorMap(() => atlas.paint())
    this.neighbors = new Neighbors(
      (found) => this.near(found),
      (image) => atlas.pick(image),
    )
    this.landed = new Neighbors(
      () => {},
      (image) => atlas.pick(image),
    )
    for (const each of [this.neighbors, this.landed]) setText(each.name, wanted.short)
    this.curves = new Curves(this.graphs)
    if (wanted.vit) this.heads = new Heads()
    this.latest = new LatestRequest(
      (body) => this.mapped(body),
      (sentence) => this.refused(sentence),
    )
    this.unwatch = watch(this.id, (run) => this.update(run))
  }

  /** Whether its points are the same images as those of the first run: only then what is chosen in one is chosen in both. */
  get linked() {
    return this.wanted.images === (this.atlas.scenes[0] ?? this).wanted.images
  }

  get cloud() {
    return this.stage.cloud
  }

  get image() {
    return this.linked ? this.atlas.image : null
  }

  /** News of the run: a new snapshot is a new frame. */
  update(run) {
    this.run = run
    this.curves.theme = this.atlas.theme
    this.curves.update(run)
    this.head.update(run)
    const state = `${run.snapshots.size} ${run.layouts.size} ${run.status?.status ?? run.status?.state} ${run.error}`
    if (state === this.state) return
    this.state = state
    this.ask(true)
  }

  /** Asks what there is to show. again: it may have changed. */
  ask(again = false) {
    const query = this.atlas.query()
    const key = JSON.stringify(query)
    if (key !== this.key) this.other(key, query)
    if (again) this.latest.forget()
    this.latest.ask(`runs/${this.id}/map`, query)
  }

  /** Another layer, projection, or other points. */
  other(key, query) {
    this.key = key
    this.cache.turn(this.id, query)
    this.colorMap.clear()
    this.shown = this.star = this.shadow = null
    if (this.points && this.asPoints !== query.points) this.points = null
    this.neighbors.clear()
  }

  async mapped(body) {
    const { points } = body
    this.facts = body
    this.refusal = ""
    this.asPoints = this.atlas.query().points
    const source = points?.count ? addressOf(points.sprites) : ""
    if (!this.points || this.points.source !== source || this.points.count !== points.count) this.lay({ ...points, source })
    const can = body.kinds[this.cache.query.layer]?.includes(this.cache.query.kind)
    if (!can && body.steps.length)
      this.refusal = `${titleOf(this.cache.query.kind)} cannot be drawn of the ${this.cache.query.layer} of this run.`
    this.cache.list(can ? body.steps : [], body.ready)
    this.atlas.mapped(this)
  }

  async lay(points) {
    if (this.points?.count !== points.count || this.cloud.count !== points.count) this.cloud.clear(points.count ?? 0)
    this.points = points
    this.sheet = null
    if (!points.source) return
    const sheet = new Image()
    sheet.src = points.source
    await sheet.decode().catch(() => {})
    if (this.points !== points || !sheet.naturalWidth) return
    this.sheet = sheet
    this.atlas.paint()
    this.rest()
  }

  refused(sentence) {
    this.refusal = sentence
    this.cache.list([])
    this.atlas.mapped(this)
  }

  /** Shows the clock's step: the frame at or before it. */
  show(step, span, even) {
    this.cache.want(step)
    const meant = this.cache.at(step)
    const at = this.cache.get(meant) ? meant : this.cache.here(meant)
    this.shadow = at === undefined ? this.cache.standIn(meant) : null
    this.describe(meant, at)
    if (this.shadow) return this.stand(this.shadow, span)
    if (at === undefined) return
    const [frame, window] = [this.cache.get(at), this.cache.window(at)]
    const key = `${this.key} ${at} ${this.star?.step}`
    if (this.shown === key || !frame || !window) return
    this.shown = key
    const { dimensions } = this.facts
    const { kind } = this.cache.query
    const look = {
      flat: dimensions !== 3,
      round: isRound(kind) ? dimensions : 0,
      span,
      even,
      star: this.landing ? this.starAt(at) : null,
    }
    this.cloud.glide(frame, window, look)
  }

  /** A PCA stands in. What has landed has no place on it: its place is known on the map that is waited for. */
  stand({ step, frame, window }, span) {
    const key = `${this.key} ${step} pca`
    if (this.shown === key) return
    this.shown = key
    this.cloud.glide(frame, window, { flat: true, round: 0, span, even: false, star: null })
  }

  /** The kind of map that is drawn. */
  get drawn() {
    return this.shadow ? "pca" : this.cache.query.kind
  }

  starAt(step) {
    this.star = landedAt(this.landing, step)
    return this.star?.xy ?? null
  }

  ready(step) {
    const at = this.cache.at(step)
    this.cache.want(step)
    return at === undefined || Boolean(this.cache.get(at))
  }

  /** at: the step that is meant; shown: the one whose frame is drawn until that of `at` is here. */
  describe(at, shown) {
    const { facts, cache, atlas } = this
    setText(this.head.layer, facts ? `${titleOf(this.drawn)} of the ${cache.query.layer}` : "")
    setText(this.head.when, whenOf(this, at, shown))
    setText(this.stage.empty, absence(this, at, shown))
    this.stage.empty.hidden = !this.stage.empty.textContent
    this.note(at)
    atlas.warn()
    if (at !== undefined) this.stage.canvas.setAttribute("aria-label", labelOf(this, at))
  }

  note(at) {
    setText(this.notes, notesOf(this, at).filter(Boolean).join(" "))
  }

  /** Hands at rest: what costs the server something is asked for now. */
  rest() {
    const { atlas, cache } = this
    const at = cache.at(atlas.clock.now)
    if (at === undefined || atlas.clock.playing || !this.points?.count) return
    const { layer, points } = cache.query
    this.colorMap.ask(this.id, { layer, points }, atlas.coloring, at)
    if (this.image !== null && this.image < this.points.count) this.neighbors.ask(this.id, cache.query, at, this.image)
    const landed = this.landing && landedAt(this.landing, at)
    if (landed) this.landed.show(landed.neighbors, this.points, landed.step)
    else this.landed.clear()
    this.landed.element.hidden = !landed
    this.look()
  }

  look() {
    const { atlas, cache } = this
    if (this.heads && this.sheet && cache.query.points === "probe")
      this.heads.show(this.id, this.neighbors.name.textContent, this.points, this.sheet, this.image ?? 0, cache.at(atlas.clock.now))
  }

  /** No image is chosen any more. */
  forget() {
    this.neighbors.clear()
    this.near(null)
  }

  near(found) {
    this.found = found
    if (found) this.neighbors.show(found.neighbors, this.points, found.step, found.notes)
    this.colorMap.similarity = found?.similarity ?? null
    this.atlas.paint()
  }

  /** Colors and marks, as they stand. */
  paint() {
    const { atlas, cloud, points } = this
    if (!points?.count) return
    const colors = (this.colors = this.colorMap.of(atlas.coloring.mode, points, atlas.theme))
    cloud.paint(
      colors.places,
      colors.palette,
      standOut(colors.places, atlas.coloring.highlighted, this.linked ? atlas.chosen : null),
      atlas.theme,
    )
    cloud.show(atlas.pictures ? this.sheet : null, points)
    cloud.gestures.lassoing = atlas.lassoing
    const landed = this.landing && landedAt(this.landing, this.cache.at(atlas.clock.now))
    const near = this.image !== null ? this.found?.neighbors : landed?.neighbors
    cloud.mark({
      picked: this.image ?? -1,
      starred: this.image === null,
      neighbors: (near ?? []).map((each) => each.image).filter((i) => i < points.count),
    })
    this.note(this.cache.at(atlas.clock.now))
  }

  hover(i, here) {
    this.stage.point(i, this.points, this.atlas.coloring.mode, { similarity: this.colorMap.similarity, here })
  }

  remove() {
    this.unwatch()
    this.latest.drop()
    this.cache.abort.abort()
    this.stage.remove()
    this.curves.remove()
    this.heads?.remove()
    for (const each of [this.element, this.graphs, this.neighbors.element, this.landed.element, this.heads?.element]) each?.remove()
  }
}
