import type { Signal, SignalOutcome } from './signal.ts'

export interface SetOutcome {
  readonly id: string
  readonly outcome: SignalOutcome
  readonly reason?: string
  readonly operationId?: string
}

export interface SignalStore {
  /**
   * Inserts those whose deduplication key is new in their account; answers the ids that went in, and for the others the id of the first
   * one. Counts the repetition on the first one.
   */
  insertNew(signals: readonly Signal[]): Promise<{ readonly inserted: ReadonlySet<string>; readonly duplicateOf: ReadonlyMap<string, string> }>
  /**
   * The announced changes of these instances that hold, and the last words that have ended some, in the order in which they were observed.
   * Until the caller's transaction ends, others that ask about one of these instances wait.
   */
  aboutChanges(accountId: string, nativeIds: readonly string[]): Promise<readonly Signal[]>
  /** Says which signal has ended an announcement. One that has ended stays so, and the same words are new when they come again. */
  end(endings: readonly { readonly id: string; readonly endedBy: string }[]): Promise<void>
  /** In one statement, whatever their number; what is not given stays as it is. */
  setOutcomes(outcomes: readonly SetOutcome[]): Promise<void>
  find(projectId: string, id: string): Promise<(Signal & { readonly duplicates: number }) | undefined>
  list(
    projectId: string,
    page: { readonly after: string | undefined; readonly limit: number; readonly resourceId?: string; readonly kind?: string },
  ): Promise<readonly (Signal & { readonly duplicates: number })[]>
}
