import type { Json } from '@understudy/core'
import type { OperationStatus, SagaEvent, StepFailure } from '@understudy/saga'

/** A durable, visible, long-running change: one run of a saga. */
export interface Operation {
  readonly id: string
  readonly projectId: string
  /** Name of the saga. */
  readonly kind: string
  readonly version: number
  readonly resourceId: string | undefined
  readonly shadowId: string | undefined
  readonly status: OperationStatus
  readonly params: Json
  readonly plan: Json
  readonly planHash: string | undefined
  readonly deadline: Date | undefined
  /** 1 is the most urgent; see `priorities`. */
  readonly priority: number
  /** No two unfinished operations have the same; undefined: no exclusion. */
  readonly lockKey: string | undefined
  readonly requestedBy: string
  readonly reason: string
  readonly createdAt: Date
  readonly startedAt: Date | undefined
  readonly finishedAt: Date | undefined
  readonly error: StepFailure | undefined
  readonly output: Json
  readonly cancelRequestedAt: Date | undefined
  readonly updatedAt: Date
}
/** Interruptions before everything else. The queue and the runner serve lower numbers first. */
export const priorities = { interruption: 1, manualFailover: 5, arm: 8, provision: 20, drill: 40, background: 60 } as const

export interface TimelineNote {
  readonly step: string
  readonly message: string
  readonly data: Json
  readonly at: Date
}
export interface Timeline {
  readonly events: readonly SagaEvent[]
  readonly notes: readonly TimelineNote[]
}
