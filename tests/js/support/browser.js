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
  if (tag === "canvas") element.getContext = pen
  if (tag === "select") Object.defineProperty(element, "value", { value: "", writable: true })
  return element
}

/** A server: gives what `answer(address)` says, as JSON; [status, body], or an Error where there is no answer. Returns what was asked. */
export function serve(answer) {
  const asked = []
  globalThis.fetch = async (address) => {
    asked.push(String(address))
    const said = await answer(String(address))
    if (said instanceof Error) throw said
    const [status, body] = said
    return { ok: status < 400, status, json: async () => structuredClone(body) }
  }
  return asked
}
serve(() => new Error("no server"))

/** Everything that waits for promises has gone on. */
export const settled = () => new Promise((resolve) => setImmediate(resolve))

/** float32 as the server packs it. */
export function packed(values, shape) {
  return { shape, data: Buffer.from(new Float32Array(values).buffer).toString("base64") }
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
