// Asking the server for the same thing again and again, while somebody looks: often while work is under way, seldom otherwise.

const API = new URL("../api/", import.meta.url)

export class Polling {
  /** `took(body)` hears every answer that is new, `failed(sentence)` why there is none; pause(body): milliseconds until the next question. */
  constructor(took, failed, pause) {
    this.took = took
    this.failed = failed
    this.pause = pause
    this.address = null
    this.timer = 0
  }

  /** From now on this address, at once; null for none. */
  ask(address) {
    if (address === this.address) return
    this.address = address
    this.text = null
    this.again(0)
  }

  again(milliseconds) {
    clearTimeout(this.timer)
    if (this.address && !this.gone) this.timer = setTimeout(() => this.go(this.address), milliseconds)
  }

  async go(address) {
    if (document.hidden) return this.again(1000)
    let rest = 4000
    try {
      const response = await fetch(new URL(address, API), { cache: "no-cache" })
      const text = await response.text()
      if (address !== this.address || this.gone) return
      const body = JSON.parse(text)
      rest = response.ok ? this.pause(body) : rest
      if (text !== this.text) {
        this.text = text
        response.ok ? this.took(body) : this.failed(body.error ?? `The server answered ${response.status}.`)
      }
    } catch {
      if (address !== this.address || this.gone) return
      this.text = null
      this.failed("The server cannot be reached. What is shown is of before.")
    }
    this.again(rest)
  }

  remove() {
    this.gone = true
    clearTimeout(this.timer)
  }
}
