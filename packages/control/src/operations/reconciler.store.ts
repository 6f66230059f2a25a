import type { Json } from '@understudy/core'

/** The last pass of a reconciler, for `/v1/internal/reconcilers` and readiness. */
export interface ReconcilerRun {
  readonly name: string
  readonly lastRunAt: Date
  readonly lastSuccessAt: Date | undefined
  readonly lastError: string | undefined
  readonly nextRunAt: Date
  readonly result: Json
}
export interface ReconcilerStore {
  /** Takes the right to run `name` until `until`, so that only one worker runs a pass; `false` when another has it. */
  take(name: string, runner: string, at: Date, until: Date): Promise<boolean>
  record(run: ReconcilerRun): Promise<void>
  list(): Promise<readonly ReconcilerRun[]>
}
