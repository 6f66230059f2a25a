import type { Clock } from './clock.ts'

interface Entry {
  readonly dueMs: number
  readonly sequence: number
  readonly fire: () => void
  cancelled: boolean
}

/**
 * A clock that moves only when told to. Timers fire in the order of their time, and in the order of their scheduling when
 * they share one; a timer scheduled while the clock advances fires in the same advance when it is due by then.
 */
export class VirtualClock implements Clock {
  readonly #heap: Entry[] = []
  #nowMs: number
  #sequence = 0
  #pending = 0

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  /** Timers that have neither fired nor been cancelled. */
  get pendingCount(): number {
    return this.#pending
  }

  /** When the next timer is due, in milliseconds since the epoch. */
  get nextDueMs(): number | undefined {
    this.#dropCancelled()
    return this.#heap[0]?.dueMs
  }

  schedule(delayMs: number, fire: () => void): () => void {
    const entry: Entry = { dueMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, fire, cancelled: false }
    this.#push(entry)
    this.#pending++
    return () => {
      if (entry.cancelled) return
      entry.cancelled = true
      this.#pending--
    }
  }

  /** Moves time on and fires what is due, without giving promises a turn in between; see `advanceAsync`. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    while (this.#fireNext(untilMs)) {
      // Each turn fires one timer.
    }
    this.#nowMs = untilMs
  }

  /** Like `advance`, but lets promises settle before it starts and after every timer, so that awaiting code keeps up. */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    while (this.#fireNext(untilMs)) await settle()
    this.#nowMs = untilMs
  }

  /** Jumps to the next timer and fires it. False when there is none. */
  advanceToNext(): boolean {
    return this.#fireNext(Number.POSITIVE_INFINITY)
  }

  #fireNext(untilMs: number): boolean {
    this.#dropCancelled()
    const next = this.#heap[0]
    if (next === undefined || next.dueMs > untilMs) return false
    this.#pop()
    this.#nowMs = Math.max(this.#nowMs, next.dueMs)
    next.cancelled = true // a cancel after the fact must not count twice
    this.#pending--
    next.fire()
    return true
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) this.#pop()
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    heap.push(entry)
    let index = heap.length - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!before(heap[index]!, heap[parent]!)) break
      ;[heap[index], heap[parent]] = [heap[parent]!, heap[index]!]
      index = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      let least = index
      if (left < heap.length && before(heap[left]!, heap[least]!)) least = left
      if (left + 1 < heap.length && before(heap[left + 1]!, heap[least]!)) least = left + 1
      if (least === index) return
      ;[heap[index], heap[least]] = [heap[least]!, heap[index]!]
      index = least
    }
  }
}

const before = (a: Entry, b: Entry): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence)

/** Lets every promise that can settle without a timer do so: one turn of the event loop. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
