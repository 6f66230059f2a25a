import type { CallLog } from './api.ts'
import type { CallRecord } from './types.ts'

/** As many calls are kept; counts go on for good. */
const keptMax = 2000

export class Calls implements CallLog {
  #kept: CallRecord[] = []
  #counts = new Map<string, number>()

  get recent(): readonly CallRecord[] {
    return this.#kept
  }

  record(call: CallRecord): void {
    this.#kept.push(call)
    // Cut in halves, so that keeping order costs nothing per call.
    if (this.#kept.length >= keptMax * 2) this.#kept = this.#kept.slice(-keptMax)
    this.#counts.set(call.operation, (this.#counts.get(call.operation) ?? 0) + 1)
  }

  count(operation: string): number {
    return this.#counts.get(operation) ?? 0
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }

  reset(): void {
    this.#kept = []
    this.#counts = new Map()
  }
}
