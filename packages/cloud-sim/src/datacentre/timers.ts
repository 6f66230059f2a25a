import type { Clock, JsonObject } from '@understudy/core'
import type { Timer, TimeMs } from './types.ts'

export type TimerHandler = (timer: Timer) => void

/**
 * Pending changes as data, in one heap behind one alarm of the clock, so that ten thousand instances need one timer of the
 * host and a snapshot of the state carries what is still to happen. Handlers check the generation themselves: a timer of an
 * earlier life is not cancelled, it finds nothing to do.
 */
export class Timers {
  readonly #clock: Clock
  readonly #around: (act: () => void) => void
  readonly #handlers = new Map<string, TimerHandler>()
  readonly #heap: Timer[] = []
  #nextId = 1
  #alarm: { readonly dueMs: TimeMs; readonly cancel: () => void } | undefined
  #closed = false
  #firing = false

  /** `around` runs each handler. */
  constructor(clock: Clock, around: (act: () => void) => void = (act) => act()) {
    this.#clock = clock
    this.#around = around
  }

  on(kind: string, handler: TimerHandler): void {
    if (this.#handlers.has(kind)) throw new Error(`two handlers for timers of kind ${kind}`)
    this.#handlers.set(kind, handler)
  }

  after(delayMs: number, kind: string, subject: string, generation: number, detail?: JsonObject): void {
    if (!this.#handlers.has(kind)) throw new Error(`no handler for timers of kind ${kind}`)
    const timer: Timer = { id: this.#nextId++, dueMs: this.#clock.nowMs() + Math.max(0, delayMs), kind, subject, generation }
    if (detail !== undefined) timer.detail = detail
    this.#push(timer)
    this.#arm()
  }

  /** Pending timers, in no particular order. */
  pending(): readonly Timer[] {
    return this.#heap
  }

  restore(timers: readonly Timer[]): void {
    for (const timer of timers) {
      this.#nextId = Math.max(this.#nextId, timer.id + 1)
      this.#push(timer)
    }
    this.#arm()
  }

  close(): void {
    this.#closed = true
    this.#alarm?.cancel()
    this.#alarm = undefined
  }

  #arm(): void {
    const next = this.#heap[0]
    if (this.#closed || this.#firing || next === undefined || (this.#alarm !== undefined && this.#alarm.dueMs <= next.dueMs)) return
    this.#alarm?.cancel()
    this.#alarm = { dueMs: next.dueMs, cancel: this.#clock.schedule(next.dueMs - this.#clock.nowMs(), () => this.#fire()) }
  }

  #fire(): void {
    this.#alarm = undefined
    this.#firing = true
    try {
      while (!this.#closed && this.#heap[0] !== undefined && this.#heap[0].dueMs <= this.#clock.nowMs()) {
        const timer = this.#pop()
        this.#around(() => this.#handlers.get(timer.kind)?.(timer))
      }
    } finally {
      this.#firing = false
      this.#arm()
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    heap.push(timer)
    let index = heap.length - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(heap[index]!, heap[parent]!)) break
      ;[heap[index], heap[parent]] = [heap[parent]!, heap[index]!]
      index = parent
    }
  }

  #pop(): Timer {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    heap[0] = last
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      let least = index
      if (left < heap.length && isBefore(heap[left]!, heap[least]!)) least = left
      if (left + 1 < heap.length && isBefore(heap[left + 1]!, heap[least]!)) least = left + 1
      if (least === index) return first
      ;[heap[index], heap[least]] = [heap[least]!, heap[index]!]
      index = least
    }
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.id < b.id)
