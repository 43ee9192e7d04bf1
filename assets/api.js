// All requests to the server: one at a time where only the newest counts, and again and again where work is under way.

const API = new URL(import.meta.url.replace(/assets\/(v\/\w+\/)?api\.js.*$/, "api/")) // this file lies at assets/v/{version}/api.js
const SILENT = "The server does not answer. What is shown is from before."

/**
 * @typedef {object} Answer
 * @property {boolean} ok
 * @property {number} status 0 where no answer came
 * @property {any} body what the server says, as JSON
 * @property {string} error a sentence, where it is not ok
 */

/**
 * The address of something that the server keeps; a full address stays as it is.
 * @param {string} path
 * @param {Record<string, unknown>} query what is undefined is left out
 */
export function addressOf(path, query = {}) {
  const address = new URL(path, API)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, String(value))
  return address.href
}

/** The address of the page's WebSocket. */
export function socketAddress() {
  const address = new URL("ws", API)
  address.protocol = address.protocol.replace("http", "ws")
  return address
}

/**
 * Asks once. Never raises.
 * @param {string} address
 * @param {RequestInit} options
 * @param {(response: Response) => Promise<any>} read what is no JSON
 * @returns {Promise<Answer>}
 */
export async function request(address, options = {}, read = (response) => response.json()) {
  try {
    const response = await fetch(new URL(address, API), options)
    const body = await (response.ok ? read(response) : response.json()).catch(() => ({}))
    return { ok: response.ok, status: response.status, body, error: response.ok ? "" : (body.error ?? statusSentence(response.status)) }
  } catch {
    return { ok: false, status: 0, body: {}, error: SILENT }
  }
}

/** What the server says; raises an Error with its sentence where it refuses or does not answer. */
export async function getJson(address) {
  const { ok, body, error } = await request(address)
  if (!ok) throw new Error(error)
  return body
}

function statusSentence(status) {
  return `The server answered ${status}.`
}

/** A question of which only the newest wording counts: one request at a time, and the old answer stays until the new one is there. */
export class LatestRequest {
  /**
   * @param {(body: any) => unknown} take hears every answer that is still wanted; may be async
   * @param {(error: string) => unknown} fail hears why there is none
   * @param {number} rest milliseconds for which a question has to stay before it is asked; the first one is asked at once
   */
  constructor(take, fail = () => {}, rest = 0) {
    this.take = take
    this.fail = fail
    this.rest = rest
    /** @type {{ address: string } | null} the newest question */
    this.asked = null
    /** @type {{ address: string } | null} the question whose answer is on the page */
    this.answered = null
    /** @type {{ address: string } | null} the question that the server has; null while it has none, or its answer is no longer wanted */
    this.underway = null
    this.busy = false
    this.timer = 0
  }

  /** Whether the answer on the page is not yet that to the newest question. */
  get waiting() {
    return this.asked !== this.answered
  }

  /**
   * Asks, unless that is what was asked last. While more is asked, an answer in between is still shown: a dragged slider moves the pictures.
   * @param {string} path
   * @param {Record<string, unknown>} query
   */
  ask(path, query = {}) {
    const address = addressOf(path, query)
    if (address === this.asked?.address) return
    this.asked = { address }
    clearTimeout(this.timer)
    if (this.rest && this.answered) this.timer = setTimeout(() => this.go(), this.rest)
    else this.go()
  }

  /** The next question is asked even if it is the same. */
  forget() {
    this.asked = this.answered = null
  }

  /** Nothing is wanted any more; an answer that is under way is not taken. */
  drop() {
    this.forget()
    this.underway = null
    clearTimeout(this.timer)
  }

  async go() {
    if (this.busy) return // it looks for the newest when it is done
    this.busy = true
    try {
      while (this.asked && this.waiting) await this.once(this.asked)
    } finally {
      this.busy = false
    }
  }

  /** A refusal stands until something else is asked; where the server did not answer the same may be asked again. */
  async once(question) {
    this.underway = question
    const { ok, status, body, error } = await request(question.address)
    if (this.underway !== question) return
    this.answered = question
    if (ok && (await this.shown(body))) return
    if ((ok || status === 0 || status >= 500) && this.asked === question) this.forget()
    this.fail(error || SILENT)
  }

  /** Whether the answer could be shown: pictures that it leads to may be out of reach. */
  async shown(body) {
    try {
      await this.take(body)
      return true
    } catch (error) {
      if (error instanceof DOMException) return false
      throw error
    }
  }
}

/** Asks the same thing again and again: often while work is under way, seldom otherwise, and not while nobody looks. */
export class PolledRequest {
  /**
   * @param {(body: any) => unknown} take hears every answer that is new
   * @param {(error: string) => unknown} fail hears why there is none
   * @param {(body: any) => number} pause milliseconds until the next question
   */
  constructor(take, fail, pause) {
    this.take = take
    this.fail = fail
    this.pause = pause
    /** @type {string | null} */
    this.address = null
    /** @type {string | null} the last answer, as text */
    this.text = null
    this.timer = 0
  }

  /**
   * From now on this address, at once; null for none.
   * @param {string | null} address
   */
  ask(address) {
    if (address === this.address) return
    this.address = address
    this.text = null
    this.again(0)
  }

  again(milliseconds) {
    clearTimeout(this.timer)
    const { address } = this
    if (address !== null) this.timer = setTimeout(() => this.go(address), milliseconds)
  }

  async go(address) {
    if (document.hidden) return this.again(1000)
    const answer = await request(address, { cache: "no-cache" })
    if (address !== this.address) return
    const text = JSON.stringify(answer)
    if (text !== this.text) {
      this.text = text
      if (answer.ok) this.take(answer.body)
      else this.fail(answer.error)
    }
    this.again(answer.ok ? this.pause(answer.body) : 4000)
  }

  remove() {
    this.ask(null)
  }
}
