// As much of a browser as the scripts need where they compute: a document, and what else they look for.
import { parseHTML } from "linkedom"

const { window } = parseHTML("<!doctype html><html><head></head><body></body></html>")
class Observer {
  observe() {}
  disconnect() {}
}
const { document, Element, HTMLElement, Node, CustomEvent } = window
Object.assign(globalThis, { window, document, Element, HTMLElement, Node, CustomEvent })
Object.assign(globalThis, { ResizeObserver: Observer, IntersectionObserver: Observer })
Object.assign(globalThis, {
  addEventListener() {},
  devicePixelRatio: 1,
  matchMedia: () => ({ matches: false }),
  requestAnimationFrame: () => 1,
  cancelAnimationFrame() {},
  getComputedStyle: () => ({ getPropertyValue: () => "" }),
})
document.cookie = ""

/** A pen that draws nothing, and takes every color as it comes. */
const pen = () => new Proxy({ fillStyle: "#ffffff" }, { get: (held, key) => held[key] ?? (() => ({})) })
const create = document.createElement.bind(document)
document.createElement = (tag) => {
  const element = create(tag)
  if (tag === "canvas") element.getContext = (kind) => (kind === "2d" ? pen() : null)
  if (tag === "select") Object.defineProperty(element, "value", { value: "", writable: true })
  return element
}

globalThis.ImageData = class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) })
  }
}

/** A server: gives what `answer(address)` says, as JSON, or bytes as they are; [status, body], or an Error where there is no answer. Returns what was asked. */
export function serve(answer) {
  const asked = []
  globalThis.fetch = async (address) => {
    asked.push(String(address))
    const said = await answer(String(address))
    if (said instanceof Error) throw said
    const [status, body] = said
    return { ok: status < 400, status, json: async () => structuredClone(body), arrayBuffer: async () => body }
  }
  return asked
}
/** Of what Python declares, what the tests need. */
const MAPS = { umap: { title: "UMAP", slow: true }, pca: { title: "PCA" }, sphere: { title: "Sphere", round: true } }
serve((address) => (address.endsWith("/declared.json") ? [200, { metrics: {}, maps: MAPS }] : new Error("no server")))

/** Everything that waits for promises has gone on. */
export const settled = () => new Promise((resolve) => setImmediate(resolve))

/** float32 as the server packs it. */
export function packed(values, shape) {
  return { shape, data: Buffer.from(new Float32Array(values).buffer).toString("base64") }
}

/** A frame of a map as the server writes it: values (N, 2 or 3) flattened, at the ends of their axes or between. */
export function framed(values, shape, facts = {}) {
  const axes = Array.from({ length: shape[1] }, (_, axis) => values.filter((_, i) => i % shape[1] === axis))
  const [low, high] = [axes.map((each) => Math.min(...each)), axes.map((each) => Math.max(...each))]
  const steps = values.map((value, i) => {
    const [from, to] = [low[i % shape[1]], high[i % shape[1]]]
    return to > from ? Math.round(((value - from) / (to - from)) * 65535) : 0
  })
  const text = JSON.stringify({ ...facts, shape, low, high })
  const header = Buffer.from(text.length % 2 ? `${text} ` : text)
  const length = Buffer.from(Uint32Array.of(header.length).buffer)
  return new Uint8Array(Buffer.concat([length, header, Buffer.from(Uint16Array.from(steps).buffer)])).buffer
}

export const THEME = {
  dark: false,
  background: "#ffffff",
  text: "#111111",
  muted: "#666666",
  grid: "#eeeeee",
  line: "#cccccc",
  font: "sans-serif",
  colors: ["#000001", "#000002", "#000003", "#000004", "#000005", "#000006", "#000007", "#000008"],
  backbone: "#000001",
  projector: "#000002",
  warn: "#000006",
}
