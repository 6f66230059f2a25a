import type { Json } from '@understudy/core'
import type { AuditIntent } from './definition.ts'
import type { SagaEvent, StepFailure } from './log.ts'

/** Cached fold of the log, for queries. `stuck` needs a person: an undo, or a step after the point of no return, has failed for good. */
export type OperationStatus = 'pending' | 'running' | 'undoing' | 'succeeded' | 'failed' | 'cancelled' | 'stuck'
export const isFinal = (status: OperationStatus): boolean => status === 'succeeded' || status === 'failed' || status === 'cancelled'

/** What a runner needs to execute an operation. */
export interface ClaimedOperation {
  readonly id: string
  readonly projectId: string
  /** Name and version of the saga. */
  readonly saga: string
  readonly version: number
  readonly params: Json
  readonly deadlineMs: number | undefined
  readonly priority: number
  readonly requestedBy: string
  readonly createdMs: number
  readonly cancelRequested: boolean
  /** Steps a person has decided to skip after they had failed for good. */
  readonly skippedSteps: readonly string[]
  /** Fencing token: every write names it, and is refused once somebody else has claimed the operation. */
  readonly generation: number
  readonly events: readonly SagaEvent[]
}

/** Thrown by every write of a runner whose lease was taken over. The runner drops the operation and does nothing more. */
export class FencedOff extends Error {
  constructor(operationId: string) {
    super(`operation ${operationId} is run by somebody else now`)
    this.name = 'FencedOff'
  }
}

export interface SagaStore {
  /**
   * Takes up to `limit` runnable operations (pending, or running with a lease that has run out, and due), most urgent first,
   * sets the lease and raises their generation. Never two callers the same one.
   */
  claim(options: {
    readonly runner: string
    readonly limit: number
    readonly leaseMs: number
    readonly nowMs: number
    readonly sagas: readonly string[]
    readonly priorityMax?: number
    readonly operationId?: string
  }): Promise<readonly ClaimedOperation[]>
  /** Extends leases; answers the ids that are still ours, and which of them somebody asked to cancel. */
  renew(options: {
    readonly runner: string
    readonly leases: readonly { readonly id: string; readonly generation: number }[]
    readonly leaseMs: number
    readonly nowMs: number
  }): Promise<readonly { readonly id: string; readonly cancelRequested: boolean }[]>
  /**
   * Appends events and, in the same transaction, the audit intents whose key is new. `FencedOff` when the generation is stale
   * or the lease was ended by `finish` or `release`. A store that reads the operation's row for that check may answer whether
   * a cancellation is asked for; the runner then need not ask again at the next step boundary.
   */
  append(
    operation: { readonly id: string; readonly generation: number },
    events: readonly SagaEvent[],
    audit?: readonly (AuditIntent & { readonly key: string })[],
  ): Promise<{ readonly cancelRequested: boolean } | void>
  /** A line for people in the timeline, outside the log. */
  note(
    operation: { readonly id: string; readonly generation: number },
    entry: { readonly step: string; readonly message: string; readonly data?: Json; readonly atMs: number },
  ): Promise<void>
  /** Gives the operation its final (or stuck) status and ends the lease. */
  finish(
    operation: { readonly id: string; readonly generation: number },
    result: { readonly status: OperationStatus; readonly error?: StepFailure; readonly output?: Json; readonly atMs: number },
  ): Promise<void>
  /** Ends the lease without a result, so that another runner may continue; not before `notBeforeMs`. */
  release(operation: { readonly id: string; readonly generation: number }, options: { readonly notBeforeMs: number }): Promise<void>
}
