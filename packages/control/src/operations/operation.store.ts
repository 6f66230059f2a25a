import type { Operation, Timeline } from './operation.ts'

export interface OperationStore {
  /**
   * Inserts those whose `lockKey` is free. Answers, for every one that was not inserted, the unfinished operation that holds its lock.
   */
  insertUnlocked(operations: readonly Operation[]): Promise<ReadonlyMap<string, Operation>>
  find(projectId: string, id: string): Promise<Operation | undefined>
  findById(id: string): Promise<Operation | undefined>
  list(
    projectId: string,
    page: {
      readonly after: string | undefined
      readonly limit: number
      readonly status?: string
      readonly kind?: string
      readonly resourceId?: string
    },
  ): Promise<readonly Operation[]>
  /** Unfinished, including stuck ones. */
  listUnfinished(options: {
    readonly resourceIds?: readonly string[]
    readonly kinds?: readonly string[]
    readonly limit: number
  }): Promise<readonly Operation[]>
  /** Which of these resources had an operation of one of these kinds that was started since then. */
  resourcesWith(options: {
    readonly resourceIds: readonly string[]
    readonly kinds: readonly string[]
    readonly since: Date
  }): Promise<ReadonlySet<string>>
  timeline(id: string): Promise<Timeline>
  /** `false` when it is finished already. */
  requestCancel(id: string, at: Date): Promise<boolean>
  /** Stuck → running again from the failed step, at once. `false` when it is not stuck. */
  retry(id: string, at: Date): Promise<boolean>
  /** Marks the failed step of a stuck operation as done by a person, then as `retry`. `false` when it is not stuck. */
  skip(id: string, step: string, by: string, at: Date): Promise<boolean>
  /** Brings the deadline nearer (never farther) and raises the urgency (never lowers it). */
  hurry(changes: readonly { readonly id: string; readonly deadline: Date | undefined; readonly priority: number }[], at: Date): Promise<void>
  /** How many are runnable now, and the age of the oldest in milliseconds. */
  backlog(at: Date): Promise<{ readonly runnable: number; readonly oldestAgeMs: number; readonly stuck: number }>
}
