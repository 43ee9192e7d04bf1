// The clock of the recorded pair: one clock moves both.

const LASTS = 15 // seconds of one round, however long the runs took
const RESTS = 4 // seconds between two rounds
const ROUNDS = 2 // that play by themselves
export const EARLY = 1.7 // above 1: the first steps, in which most happens, pass more slowly

/** Where the recording stands, as a share of its way and as a step; it goes by itself, or stands where somebody put it. */
export class RecordingClock {
  rounds = ROUNDS
  /** @type {number | null} when this round began; null: it stands */
  begun = null
  share = 0

  /** Begins, unless it went before; where motion is unwelcome it shows the end. */
  start() {
    if (this.begun !== null || this.share) return
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.share = 1
    else this.play(ROUNDS)
  }

  /** From where it stands, or once more from the start. */
  play(rounds = 1) {
    this.rounds = rounds
    if (this.share === 1) this.share = 0
    this.begun = performance.now() - this.share * LASTS * 1000
  }

  /** Stands at this share of the way. */
  hold(share = this.now()) {
    this.share = Math.min(Math.max(share, 0), 1)
    this.begun = null
  }

  get going() {
    return this.begun !== null
  }

  now() {
    if (this.begun === null) return this.share
    const seconds = (performance.now() - this.begun) / 1000
    if (seconds > LASTS && this.rounds === 1) {
      this.hold(1)
      return 1
    }
    if (seconds <= LASTS + RESTS) return Math.min(seconds / LASTS, 1)
    this.rounds -= 1
    this.begun = performance.now()
    return 0
  }

  /** Of a run of so many steps; between two of them a fraction. */
  step(steps) {
    return steps * this.now() ** EARLY
  }
}
