// Colors and words that all panels share. Colors follow the page's theme, .streamlit/config.toml, through its --st-* variables.

const NO_PALETTE = Array(8).fill("#888888").join() // outside of the page
const HUES = {
  red: "#D7303E",
  orange: "#EE8A2A",
  yellow: "#DDBB12",
  green: "#2F9E4F",
  cyan: "#1FB2C9",
  blue: "#3C6FE0",
  purple: "#8F4FC0",
  pink: "#E36AAB",
}
export const SYMBOLS = ["circle", "square", "triangle", "diamond", "cross", "down", "plus", "ring"]

/** @typedef {ReturnType<typeof themeOf>} Theme */

/** The theme as it stands at an element. */
export function themeOf(element) {
  const style = getComputedStyle(element)
  const read = (name, otherwise) => style.getPropertyValue(`--st-${name}`).trim() || otherwise
  const background = read("background-color", "#ffffff")
  const dark = luminance(background) < 0.4
  const colors = read("chart-categorical-colors", NO_PALETTE).split(",")
  return {
    dark,
    background,
    text: read("text-color", "#1a1f26"),
    muted: dark ? "#9aa4af" : "#66707b",
    grid: dark ? "rgba(255,255,255,.08)" : "rgba(20,30,40,.08)",
    line: dark ? "rgba(255,255,255,.22)" : "rgba(20,30,40,.22)",
    font: read("font", "sans-serif"),
    colors,
    backbone: colors[0],
    projector: colors[1],
    warn: colors[5],
  }
}

/**
 * What draws on a canvas in two dimensions.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} settings
 */
export function penOf(canvas, settings = {}) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", settings))
}

function luminance(color) {
  const probe = penOf(document.createElement("canvas"))
  probe.fillStyle = color
  const hex = String(probe.fillStyle)
  const [r, g, b] = hex.startsWith("#") ? [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) : (hex.match(/\d+/g) ?? []).map(Number)
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255
}

/** Color and symbol of each class of a factor: hue first, a symbol from the ninth class on. A class called red is red. */
export function classStyles(names, theme) {
  const hues = names.every((name) => Object.hasOwn(HUES, name))
  return names.map((name, i) => ({
    name,
    color: hues ? HUES[name] : theme.colors[i % theme.colors.length],
    symbol: SYMBOLS[(hues ? i : Math.floor(i / theme.colors.length)) % SYMBOLS.length],
  }))
}

/** 0.8216 -> "0.82", 12.34 -> "12.3", 3431 -> "3,431", 3.94e28 -> "3.9 × 10²⁸": a loss that diverges has no end of digits. */
export function short(value) {
  if (value === undefined || value === null) return "–"
  const size = Math.abs(value)
  if (size >= 1e7 && Number.isFinite(size)) {
    const [digits, power] = value.toExponential(1).split("e+")
    return `${digits} × 10${[...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`
  }
  if (size >= 100) return Math.round(value).toLocaleString("en-US")
  if (size >= 10) return value.toFixed(1)
  if (size >= 0.01 || size === 0) return value.toFixed(2)
  return value.toPrecision(2)
}

/** 0.253 -> "25%"; digits: how many there may be behind the point. */
export function percent(share, digits = 0) {
  return `${+(100 * share).toFixed(digits)}%`
}

/** A tag with classes and text: make("p.ssl-note", "Hello", child). */
export function make(what, ...inside) {
  const [tag, ...classes] = what.split(".")
  const element = document.createElement(tag)
  if (classes.length) element.className = classes.join(" ")
  element.append(...inside)
  return element
}

/** Sets text only where it changed, so that screen readers and selections are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** "method.temperature" -> "temperature". */
export function plainName(key) {
  return key.split(".").at(-1).replaceAll("_", " ")
}
