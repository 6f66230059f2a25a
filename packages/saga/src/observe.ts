import type { StepFailure } from './log.ts'
import type { OperationStatus } from './store.ts'

interface OfOperation {
  readonly operationId: string
  readonly projectId: string
  readonly saga: string
}
interface OfStep extends OfOperation {
  readonly step: string
  readonly action: 'run' | 'undo'
  readonly attempt: number
}

/** What a runner tells logs and metrics. `error` is the thrown value itself: for the log only. */
export type RunnerEvent =
  | (OfOperation & { readonly type: 'claimed'; readonly generation: number; readonly waitedMs: number; readonly resumed: boolean })
  | (OfStep & { readonly type: 'step_started' })
  | (OfStep & {
      readonly type: 'step_finished'
      readonly outcome: 'succeeded' | 'failed' | 'interrupted'
      readonly durationMs: number
      readonly failure?: StepFailure
      readonly error?: unknown
    })
  | (OfStep & { readonly type: 'step_retried'; readonly delayMs: number; readonly failure: StepFailure; readonly error: unknown })
  /** The action went on after its signal had aborted and the grace was over: it ignores its signal. */
  | (OfStep & { readonly type: 'step_abandoned' })
  | (OfOperation & { readonly type: 'released'; readonly why: 'drain' | 'roll_forward' | 'other_version'; readonly notBeforeMs: number })
  | (OfOperation & { readonly type: 'finished'; readonly status: OperationStatus; readonly durationMs: number; readonly failure?: StepFailure })
  | (OfOperation & { readonly type: 'stuck'; readonly failure: StepFailure })
  /** Somebody else runs the operation now: the store refused a write. */
  | (OfOperation & { readonly type: 'fenced' })
  /** The lease could not be renewed in time, or the store said it is no longer ours. */
  | (OfOperation & { readonly type: 'lease_lost' })
  /** A bug of the engine itself. The operation is left as it is; its lease runs out. */
  | (OfOperation & { readonly type: 'engine_failed'; readonly error: unknown })
  | { readonly type: 'store_failed'; readonly call: string; readonly operationId?: string; readonly error: unknown }

export type Observe = (event: RunnerEvent) => void

/** A logger that throws must not cut a saga in two, so what observers throw is dropped. */
export function quietly(observe: Observe | undefined): Observe {
  return (event) => {
    try {
      observe?.(event)
    } catch {
      // There is nobody left to tell.
    }
  }
}
