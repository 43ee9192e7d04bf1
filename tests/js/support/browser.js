// As much of a browser as the scripts need where they compute: a document, and what else they look for at once.
import { parseHTML } from "linkedom"

const { window } = parseHTML("<!doctype html><html><head></head><body></body></html>")
class Observer {
  observe() {}
  disconnect() {}
}
const { document, Element, HTMLElement, Node, CustomEvent } = window
Object.assign(globalThis, { window, document, Element, HTMLElement, Node, CustomEvent })
Object.assign(globalThis, { ResizeObserver: Observer, IntersectionObserver: Observer, addEventListener() {}, matchMedia: () => ({ matches: false }) })
