import { StepAborted } from './failure.ts'
import type { ClaimedOperation } from './store.ts'

/** Thrown inside the engine when an operation is no longer ours to touch. Never recorded: the next runner reads the log. */
export class Dropped extends Error {
  constructor(operationId: string) {
    super(`operation ${operationId} was dropped`)
    this.name = 'Dropped'
  }
}

/** An operation this runner holds the lease of. */
export class Held {
  readonly operation: ClaimedOperation
  leaseUntilMs: number
  cancelRequested: boolean
  readonly #lost = new AbortController()
  readonly #cancelListeners = new Set<() => void>()

  constructor(operation: ClaimedOperation, leaseUntilMs: number) {
    this.operation = operation
    this.leaseUntilMs = leaseUntilMs
    this.cancelRequested = operation.cancelRequested
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** False when it was dropped before. */
  drop(): boolean {
    if (this.lost.aborted) return false
    this.#lost.abort(new StepAborted('lease_lost', `operation ${this.operation.id} is not run here any more`))
    return true
  }

  requestCancel(): void {
    if (this.cancelRequested) return
    this.cancelRequested = true
    for (const listener of this.#cancelListeners) listener()
  }

  onCancel(listener: () => void): () => void {
    this.#cancelListeners.add(listener)
    return () => this.#cancelListeners.delete(listener)
  }

  /** Settles like `work`, unless the operation is dropped first: then it throws `Dropped` and what `work` becomes is ignored. */
  async whileHeld<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined) // a late rejection has no other listener
    if (this.lost.aborted) throw new Dropped(this.operation.id)
    let onLost: () => void = () => undefined
    const lost = new Promise<never>((_resolve, reject) => {
      onLost = () => reject(new Dropped(this.operation.id))
      this.lost.addEventListener('abort', onLost, { once: true })
    })
    try {
      return await Promise.race([work, lost])
    } finally {
      this.lost.removeEventListener('abort', onLost)
    }
  }
}
