import type { RecoveryCopy } from './recovery-copy.ts'

/** A copy that a policy wants, and that nobody makes at present. */
export interface DueCopy {
  readonly pointId: string
  readonly projectId: string
  readonly resourceId: string
  readonly accountId: string
  readonly region: string
  /** The row of one that has failed before. */
  readonly copyId: string | undefined
}

export interface RecoveryCopyStore {
  insert(copies: readonly RecoveryCopy[]): Promise<void>
  findById(id: string): Promise<RecoveryCopy | undefined>
  /** Of these points, in the order of their regions. */
  listOf(projectId: string, pointIds: readonly string[]): Promise<readonly RecoveryCopy[]>
  /** Those of a point of which something may be there. */
  listAlive(pointId: string): Promise<readonly RecoveryCopy[]>
  /**
   * For usable points of these resources that nobody has deleted: copies that there are not, that failed and whose time has come, or whose
   * operation has ended before any of its steps had begun. The newest points first.
   */
  listDue(wanted: readonly { readonly resourceId: string; readonly region: string }[], at: Date, limit: number): Promise<readonly DueCopy[]>
  /** Compare-and-swap on `version`; `precondition_failed` when it has changed. */
  update(copy: RecoveryCopy, seenVersion: number): Promise<void>
}
