// Questions to the server of which only the newest counts: one under way at a time, so that no answer comes out of order.

const API = new URL("../api/", import.meta.url)

export class Latest {
  /** take(answer): may be async; fail(sentence). */
  constructor(take, fail = () => {}) {
    this.take = take
    this.fail = fail
    this.wanted = null
    this.busy = false
  }

  /** Asks `path` with these words, unless that is what was asked last. Meanwhile the old answer stays. */
  ask(path, query) {
    const address = new URL(path, API)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, value)
    if (address.href === this.asked) return
    this.asked = this.wanted = address.href
    if (!this.busy) this.go()
  }

  /** Nothing is wanted any more; an answer that is under way is not taken. */
  drop() {
    this.asked = this.wanted = null
    this.dropped = true
  }

  async go() {
    this.busy = true
    while (this.wanted) {
      const address = this.wanted
      this.wanted = null
      this.dropped = false
      try {
        const answer = await fetch(address)
        const body = await answer.json()
        if (this.dropped) continue
        if (answer.ok) await this.take(body)
        else this.fail(body.error)
      } catch {
        this.asked = null // a later stroke asks again
        if (!this.dropped) this.fail("The server does not answer. It is asked again with the next stroke.")
      }
    }
    this.busy = false
  }
}

/** The address of something the server keeps; a data address stays as it is. */
export function addressOf(src) {
  return new URL(src, API).href
}
