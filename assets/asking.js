// Asking the server for what an address says, the newest only: one request at a time, and the old answer stays until the new one is there.

const API = new URL("../api/", import.meta.url)

/** `took(body)` hears every answer that is still wanted, `failed(sentence)` why there is none. rest: milliseconds that an address has to stay. */
export class Asking {
  constructor(took, failed, rest = 0) {
    this.took = took
    this.failed = failed
    this.rest = rest
    this.wanted = null
    this.had = null
    this.busy = false
    this.timer = 0
  }

  /** Whether the answer on the page is not yet that of the newest address. */
  get waiting() {
    return this.wanted !== this.had
  }

  ask(address) {
    if (address === this.wanted) return
    this.wanted = address
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.go(), this.had === null ? 0 : this.rest)
  }

  async go() {
    if (this.busy) return // it looks for the newest when it is done
    this.busy = true
    while (this.waiting) {
      const address = this.wanted
      const [take, body] = await answer(address)
      if (this.gone) return
      // While more has been asked for, an answer in between is still shown: a dragged slider moves the pictures.
      this.had = address
      if (take === "failed" && this.wanted === address) this.wanted = this.had = null // so that it may be asked for again
      await this[take](body)
    }
    this.busy = false
  }

  remove() {
    this.gone = true
    clearTimeout(this.timer)
  }
}

async function answer(address) {
  try {
    const response = await fetch(new URL(address, API))
    const body = await response.json()
    return response.ok ? ["took", body] : ["failed", body.error ?? `The server answered ${response.status}.`]
  } catch {
    return ["failed", "The server cannot be reached. The pictures are of before."]
  }
}

/** Calls `seen()` once, when the element first comes near the window. */
export function whenSeen(element, seen) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return
      observer.disconnect()
      seen()
    },
    { rootMargin: "200px" },
  )
  observer.observe(element)
  return observer
}
