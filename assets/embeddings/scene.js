// One run's map on the page: its cloud of points, its frames, its curves, and who is near what was chosen.
// @ts-nocheck: one renderer takes its place soon

import { explain } from "../definitions.js"
import { LatestRequest, addressOf } from "../api.js"
import { watch } from "../stream.js"
import { make, setText } from "../theme.js"
import { sentenceOf } from "../verdict.js"
import { Curves } from "../panels/curves.js"
import { button } from "../controls.js"
import { Cloud } from "./cloud.js"
import { ColorMap } from "./coloring.js"
import { FrameCache } from "./frame_cache.js"
import { Heads } from "./heads.js"
import { KINDS } from "./kinds.js"
import { landedAt } from "./landing.js"
import { Neighbors } from "./neighbors.js"
import { Tip } from "../tip.js"

export class Scene {
  /** atlas: what all scenes share: the choices, the clock, what is picked. */
  constructor(atlas, told) {
    this.atlas = atlas
    this.id = told.id
    this.told = told
    this.build(told)
    this.cloud = new Cloud(this.canvas, {
      hover: (i) => atlas.hover(i, this),
      pick: (i) => this.linked && atlas.pick(i),
      lasso: (all) => this.linked && atlas.select(all),
      step: (by) => atlas.clock.by(by),
      play: () => atlas.clock.toggle(),
      clear: () => atlas.clear(),
    })
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
    for (const each of [this.neighbors, this.landed]) setText(each.name, told.short)
    this.curves = new Curves(this.graphs)
    if (told.vit) this.heads = new Heads()
    this.latest = new LatestRequest(
      (body) => this.mapped(body),
      (sentence) => this.refused(sentence),
    )
    this.unwatch = watch(this.id, (run) => this.update(run))
  }

  /** Whether its points are the same images as those of the first run: only then what is chosen in one is chosen in both. */
  get linked() {
    return this.told.images === (this.atlas.scenes[0] ?? this).told.images
  }

  get image() {
    return this.linked ? this.atlas.image : null
  }

  build(told) {
    this.canvas = make("canvas.ssl-canvas")
    this.canvas.tabIndex = 0
    this.canvas.setAttribute("role", "application")
    this.tip = new Tip()
    this.empty = make("div.ssl-empty", "Asking for the map …")
    const tools = make(
      "div.ssl-tools",
      button("+", () => this.cloud.magnify(1.4), "zoom in"),
      button("−", () => this.cloud.magnify(1 / 1.4), "zoom out"),
      button("⟲", () => this.cloud.whole(), "whole map"),
    )
    this.title = make("span.ssl-title", told.title)
    this.layer = explain(make("span.ssl-layer"), "map/kept")
    this.when = make("span.ssl-good.ssl-at")
    this.notes = make("p.ssl-caution.ssl-notes")
    this.notes.setAttribute("role", "status")
    this.stage = make("div.ssl-stage", this.canvas, tools, this.empty, this.tip.element)
    this.element = make(
      "section.ssl-chart.ssl-scene",
      make(
        "header.ssl-head",
        this.title,
        this.layer,
        (this.dot = make("span.ssl-dot")),
        (this.verdict = make("span.ssl-good")),
        make("span.ssl-space"),
        this.when,
      ),
      this.stage,
      this.notes,
    )
    this.graphs = make("div.ssl-graphs")
  }

  /** The run has said something: a new snapshot is a new frame. */
  update(run) {
    this.run = run
    this.curves.theme = this.atlas.theme
    this.curves.update(run)
    this.dot.dataset.state = run.verdict?.state.replaceAll(" ", "-") ?? ""
    this.dot.hidden = !run.verdict
    this.verdict.title = sentenceOf(run)
    setText(this.verdict, run.verdict?.state ?? "")
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
    this.said = ""
    this.asPoints = this.atlas.query().points
    const source = points?.count ? addressOf(points.sprites) : ""
    if (!this.points || this.points.source !== source || this.points.count !== points.count) this.lay({ ...points, source })
    const can = body.kinds[this.cache.query.layer]?.includes(this.cache.query.kind)
    if (!can && body.steps.length)
      this.said = `${KINDS[this.cache.query.kind]} cannot be drawn of the ${this.cache.query.layer} of this run.`
    this.cache.list(can ? body.steps : [], body.ready)
    this.atlas.mapped(this)
  }

  lay(points) {
    if (this.points?.count !== points.count || this.cloud.count !== points.count) this.cloud.clear(points.count ?? 0)
    this.points = points
    this.sheet = null
    if (!points.source) return
    const sheet = new Image()
    sheet.src = points.source
    sheet.decode().then(
      () => {
        if (this.points === points) ((this.sheet = sheet), this.atlas.paint(), this.rest())
      },
      () => {},
    )
  }

  refused(sentence) {
    this.said = sentence
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
    const frame = this.cache.get(at)
    const key = `${this.key} ${at} ${this.star?.step}`
    if (this.shown === key) return
    this.shown = key
    const { dimensions } = this.facts
    const { kind } = this.cache.query
    const look = {
      flat: dimensions !== 3,
      round: kind === "sphere" ? dimensions : 0,
      span,
      even,
      star: this.landing ? this.starAt(at) : null,
    }
    this.cloud.glide(frame, this.cache.window(at), look)
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

  /** at: the step that is meant; shown: the one whose frame stands in for it. */
  describe(at, shown) {
    const { facts, cache, atlas } = this
    const waits = at !== shown
    setText(this.layer, facts ? `${KINDS[this.drawn]} of the ${cache.query.layer}` : "")
    const number = (step) => step.toLocaleString("en-US")
    const stands = this.shadow && `step ${number(this.shadow.step)} · PCA until the first ${KINDS[cache.query.kind]} is ready`
    setText(
      this.when,
      stands
        ? stands
        : waits
          ? `laying out${shown === undefined ? "" : ` · step ${number(shown)} of ${number(at)}`} …`
          : at === undefined || atlas.clock.now === at
            ? ""
            : `at its step ${number(at)}`,
    )
    setText(
      this.empty,
      waits
        ? shown === undefined && !stands
          ? "The map is being laid out …"
          : ""
        : this.said
          ? ""
          : facts && !cache.steps.length
            ? standing(this.run) || facts.notes.join(" ") || "Nothing was measured."
            : cache.lost.size && at === undefined
              ? [...cache.lost.values()][0]
              : "",
    )
    this.empty.hidden = !this.empty.textContent
    this.note(at)
    atlas.warn()
    if (at === undefined) return
    const picked = this.image === null ? "" : ` Image ${this.image} is chosen.`
    const held = atlas.chosen ? ` ${atlas.chosen.length} images are in the lasso.` : ""
    this.canvas.setAttribute(
      "aria-label",
      `Map of ${this.points.count} images at step ${this.shadow?.step ?? at} of ${this.title.textContent}, ${KINDS[this.drawn]} of the ${cache.query.layer}'s output, colored by ${atlas.coloring.mode}.${picked}${held} ` +
        "Left and right step, up and down go through images, Enter chooses, plus and minus zoom, Escape clears.",
    )
  }

  note(at) {
    const lost = [...new Set(this.cache.lost.values())]
    const notes = this.facts && this.cache.steps.length ? (this.facts.notes ?? []) : []
    const apart = this.linked ? "" : "Its data are others than those of the first run: what is chosen there has no place here."
    setText(
      this.notes,
      [this.said, apart, ...notes, ...lost, ...this.cache.says(this.shadow?.facts ?? this.cache.facts.get(at)), this.colorMap.sentence]
        .filter(Boolean)
        .join(" "),
    )
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
    cloud.paint(colors.places, colors.palette, this.standOut(colors.places), atlas.theme)
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

  standOut(places) {
    const { chosen, coloring } = this.atlas
    const { highlighted } = coloring
    if (!chosen?.length && !highlighted) return null
    const inside = chosen?.length && this.linked ? new Set(chosen) : null
    return Uint8Array.from(places, (place, i) => ((!inside || inside.has(i)) && (!highlighted || highlighted.has(place)) ? 1 : 0))
  }

  hover(i, here) {
    this.cloud.mark({ hovered: i < this.points?.count ? i : -1 })
    if (!this.points) return
    this.tip.show(
      here ? i : -1,
      this.points,
      this.atlas.coloring.mode,
      this.colorMap.similarity,
      this.cloud.place(Math.max(i, 0)),
      this.cloud.camera.size,
    )
  }

  remove() {
    this.unwatch()
    this.latest.drop()
    this.cache.abort.abort()
    this.cloud.remove()
    this.curves.remove()
    this.heads?.remove()
    for (const each of [this.element, this.graphs, this.neighbors.element, this.landed.element, this.heads?.element]) each?.remove()
  }
}

/** How a run stands that has nothing to show yet. */
function standing(run) {
  const { status, message, queue_position: place } = run?.status ?? {}
  if (status === "queued") return place ? `This run waits its turn, at place ${place}.` : "This run waits its turn."
  if (status === "failed") return `This run failed${message ? `: ${message}` : "."}`
  return status === "running" ? "This run has just begun." : ""
}
