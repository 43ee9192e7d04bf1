// Which color and symbol every point has, and which of them stand out.

import { classStyles } from "../theme.js"

/** @typedef {import("./stamps.js").Style & { name: string }} NamedStyle */

/**
 * @typedef {object} Colors
 * @property {Uint16Array} places (N,) of each point in the palette
 * @property {NamedStyle[]} palette
 * @property {NamedStyle[] | null} classes those that a legend names
 * @property {number[] | null} scale lowest and highest, where colors are numbers
 */

const NOTHING = { name: "no label", color: "#8a949e", symbol: "circle" }

/** @returns {Colors} of points of which nothing is known */
export function plain(count) {
  return { places: new Uint16Array(count), palette: [NOTHING], classes: null, scale: null }
}

/**
 * @param {ArrayLike<number>} labels (N,) below 0 where there is none
 * @param {string[]} names of the classes
 * @returns {Colors}
 */
export function classed(labels, names, theme) {
  const classes = classStyles(names, theme)
  const places = Uint16Array.from(labels, (label) => (label < 0 ? classes.length : label))
  return { places, palette: places.includes(classes.length) ? [...classes, NOTHING] : classes, classes, scale: null }
}

/** By one factor of the images. points: count, labels, names as the server tells them. */
export function byFactor(factor, { count, labels, names }, theme) {
  const known = labels?.[factor]
  if (!known) return plain(count)
  const most = known.reduce((a, b) => Math.max(a, b), 0)
  return classed(known, names?.[factor] ?? Array.from({ length: most + 1 }, (_, i) => `${i}`), theme)
}

/**
 * 1 for each point that stands out, 0 for the others; null where all do.
 * @param {Uint16Array} places (N,)
 * @param {Set<number> | null} classes that stand out, null for all
 * @param {number[] | null} chosen points that stand out, null for all
 */
export function standOut(places, classes, chosen) {
  if (!classes && !chosen?.length) return null
  const inside = chosen?.length ? new Set(chosen) : null
  return Uint8Array.from(places, (place, i) => ((!inside || inside.has(i)) && (!classes || classes.has(place)) ? 1 : 0))
}

/** A gray laid thinly over a color; "#rrggbb" both ways. */
export function tinted(color, share, gray) {
  const hex = color.startsWith("#") ? color : "#ffffff"
  const mixed = [1, 3, 5].map((at) => Math.round(parseInt(hex.slice(at, at + 2), 16) * (1 - share) + gray * share))
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`
}
