import type { Clock } from '@understudy/core'

interface Pending {
  readonly dueMs: number
  readonly fire: () => void
  cancel: () => void
}

/**
 * A clock that runs faster or slower than another. The speed may be changed at any time; what was scheduled keeps its
 * moment on this clock and is reached sooner or later by the other.
 */
export class ScaledClock implements Clock {
  readonly #inner: Clock
  #speed: number
  #originMs: number
  #innerOriginMs: number
  readonly #pending = new Set<Pending>()

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
    this.#arm(pending)
    return () => {
      this.#pending.delete(pending)
      pending.cancel()
    }
  }

  setSpeed(speed: number): void {
    if (!(speed > 0 && speed <= 10_000)) throw new RangeError('the speed of the clock is a number above 0 and at most 10000')
    this.#originMs = this.#exactMs()
    this.#innerOriginMs = this.#inner.nowMs()
    this.#speed = speed
    for (const pending of this.#pending) {
      pending.cancel()
      this.#arm(pending)
    }
  }

  #exactMs(): number {
    return this.#originMs + (this.#inner.nowMs() - this.#innerOriginMs) * this.#speed
  }

  #arm(pending: Pending): void {
    const leftMs = Math.max(0, pending.dueMs - this.#exactMs())
    pending.cancel = this.#inner.schedule(leftMs / this.#speed, () => {
      // Timers of the machine may fire a little early; nothing here may happen before its time.
      if (this.#exactMs() < pending.dueMs - 0.01) {
        this.#arm(pending)
        return
      }
      this.#pending.delete(pending)
      pending.fire()
    })
  }
}
