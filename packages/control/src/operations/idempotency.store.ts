/** The answer to a request that carried an Idempotency-Key, kept 24 h. */
export interface IdempotencyRecord {
  readonly projectId: string
  readonly key: string
  /** Hash of method, path and body. */
  readonly fingerprint: string
  readonly status: number | undefined
  readonly body: string | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly createdAt: Date
}
export interface IdempotencyStore {
  /** Inserts the key if it is new or has expired; otherwise answers the record that is there. */
  begin(record: IdempotencyRecord, expiredBefore: Date): Promise<IdempotencyRecord | undefined>
  complete(
    projectId: string,
    key: string,
    answer: { readonly status: number; readonly body: string; readonly headers: Readonly<Record<string, string>> },
  ): Promise<void>
  /** Forgets a key whose request failed in a way that may be repeated. */
  forget(projectId: string, key: string): Promise<void>
  removeBefore(at: Date): Promise<number>
}
