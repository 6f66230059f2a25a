import type { Json } from '@understudy/core'

/** The six things that can happen to a step. Append-only; a step's status is a fold over them. */
export type SagaEventType = 'started' | 'succeeded' | 'failed' | 'undo_started' | 'undo_finished' | 'undo_failed'

export interface SagaEvent {
  /** From 1, without gaps, per operation. */
  readonly sequence: number
  readonly type: SagaEventType
  readonly step: string
  /** From 1. 0 in `started` and `succeeded` of a step that was passed over because its `when` said no. */
  readonly attempt: number
  /** `succeeded`: the output. `failed`, `undo_failed`: a `StepFailure`. Otherwise null. */
  readonly data: Json
  readonly atMs: number
}

export interface StepFailure {
  readonly [key: string]: Json | undefined
  readonly code: string
  /** For people; holds no secrets. */
  readonly message: string
  readonly transient: boolean
  readonly remedy?: string
  /** For so long whoever failed wants not to be asked again. */
  readonly retryAfterMs?: number
}
