import type { Clock } from '@understudy/core'

interface Pending {
  readonly dueMs: number
  readonly fire: () => void
  cancel: () => void
}

/** How often a clock that runs fast looks whether its process runs, and how much of the time between two looks counts at most. */
const lookMs = 50
const countedMs = 150

/**
 * A clock that runs faster or slower than another. The speed may be changed at any time; what was scheduled keeps its
 * moment on this clock and is reached sooner or later by the other.
 *
 * One that runs faster stands still while its process does: somebody whom a busy machine has kept waiting for seconds would otherwise have
 * missed minutes, or hours, of a world in which nobody else has moved either.
 */
export class ScaledClock implements Clock {
  readonly #inner: Clock
  #speed: number
  #originMs: number
  #innerOriginMs: number
  readonly #pending = new Set<Pending>()
  /** Ends the looks; there are some while anything is awaited. */
  #unwatch: (() => void) | undefined

  /** `startMs`: what this clock shows first; the inner clock's time by default. */
  constructor(inner: Clock, options: { speed?: number; startMs?: number } = {}) {
    this.#inner = inner
    this.#speed = options.speed ?? 1
    this.#innerOriginMs = inner.nowMs()
    this.#originMs = options.startMs ?? this.#innerOriginMs
  }

  get speed(): number {
    return this.#speed
  }

  nowMs(): number {
    // Whole milliseconds as of any clock; the hundredth hides what multiplying by the speed has rounded away.
    return Math.floor(this.#exactMs() + 0.01)
  }

  schedule(delayMs: number, fire: () => void): () => void {
    const pending: Pending = { dueMs: this.#exactMs() + Math.max(0, delayMs), fire, cancel: () => undefined }
    this.#pending.add(pending)
    this.#watch()
    this.#arm(pending)
    return () => {
      pending.cancel()
      this.#drop(pending)
    }
  }

  setSpeed(speed: number): void {
    if (!(speed > 0 && speed <= 10_000)) throw new RangeError('the speed of the clock is a number above 0 and at most 10000')
    this.#stand()
    this.#speed = speed
    this.#watch()
    for (const pending of this.#pending) {
      pending.cancel()
      this.#arm(pending)
    }
  }

  #exactMs(): number {
    const passedMs = this.#inner.nowMs() - this.#innerOriginMs
    return this.#originMs + (this.#unwatch === undefined ? passedMs : Math.min(passedMs, countedMs)) * this.#speed
  }

  /** From here on it is counted anew. */
  #stand(): void {
    this.#originMs = this.#exactMs()
    this.#innerOriginMs = this.#inner.nowMs()
  }

  #watch(): void {
    const isWanted = this.#speed > 1 && this.#pending.size > 0
    if (isWanted === (this.#unwatch !== undefined)) return
    this.#stand()
    this.#unwatch?.()
    this.#unwatch = undefined
    if (isWanted) this.#look()
  }

  #look(): void {
    this.#unwatch = this.#inner.schedule(lookMs, () => {
      this.#stand()
      this.#look()
    })
  }

  #drop(pending: Pending): void {
    this.#pending.delete(pending)
    this.#watch()
  }

  #arm(pending: Pending): void {
    const leftMs = Math.max(0, pending.dueMs - this.#exactMs())
    pending.cancel = this.#inner.schedule(leftMs / this.#speed, () => {
      // Timers of the machine may fire a little early; nothing here may happen before its time.
      if (this.#exactMs() < pending.dueMs - 0.01) {
        this.#arm(pending)
        return
      }
      this.#drop(pending)
      pending.fire()
    })
  }
}
