import type { Json } from '@understudy/core'
import type { ActionEngine } from './action.ts'
import type { Held } from './held.ts'
import type { StepFailure } from './log.ts'
import type { Registry } from './registry.ts'
import type { OperationStatus } from './store.ts'
import type { Writer } from './writer.ts'

export interface Engine extends ActionEngine {
  readonly registry: Registry
  readonly roundsMax: number
  readonly undoAttemptsMax: number
  readonly undoBudgetMs: number
  readonly resumptionsMax: number
  readonly unknownVersionGraceMs: number
  /** Asks the store whether a cancellation is wanted. */
  askCancel(held: Held): Promise<void>
  /** Gives the slot of an operation back for good. When something urgent waits or works: resolves when it no longer does, or after a while. */
  stepAside(held: Held): Promise<void> | undefined
}

/** How this runner's work on an operation ended. `dropped`: it is no longer ours, or the store failed; nothing more was written. */
export type Outcome =
  | { readonly kind: 'finished'; readonly status: OperationStatus }
  | { readonly kind: 'released'; readonly notBeforeMs: number; readonly why: 'drain' | 'roll_forward' | 'other_version' }
  | { readonly kind: 'dropped' }

export async function finish(
  engine: Engine,
  held: Held,
  writer: Writer,
  status: OperationStatus,
  error?: StepFailure,
  output?: Json,
): Promise<Outcome> {
  await writer.flush()
  await writer.finish({ status, ...(error === undefined ? {} : { error }), ...(output === undefined ? {} : { output }) })
  const { id: operationId, projectId, saga, createdMs } = held.operation
  if (status === 'stuck' && error) engine.observe({ type: 'stuck', operationId, projectId, saga, failure: error })
  else {
    const durationMs = engine.clock.nowMs() - createdMs
    engine.observe({ type: 'finished', operationId, projectId, saga, status, durationMs, ...(error === undefined ? {} : { failure: error }) })
  }
  return { kind: 'finished', status }
}

export async function release(
  engine: Engine,
  held: Held,
  writer: Writer,
  notBeforeMs: number,
  why: 'drain' | 'roll_forward' | 'other_version',
): Promise<Outcome> {
  await writer.flush()
  await writer.release(notBeforeMs)
  const { id: operationId, projectId, saga } = held.operation
  engine.observe({ type: 'released', operationId, projectId, saga, why, notBeforeMs })
  return { kind: 'released', notBeforeMs, why }
}
