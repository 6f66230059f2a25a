import type { RecoveryCopy } from './recovery-copy.ts'

/** Where the points of a resource shall be too. `inOrder`: the cloud copies one point at a time, and none after a later one. */
export interface WantedCopies {
  readonly resourceId: string
  readonly region: string
  readonly inOrder: boolean
}

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
   * operation has ended before any of its steps had begun. The newest points first. Where they are copied in order it is the oldest one alone that is
   * later than every point that is copied, while none is being copied; it waits for three attempts of an earlier one that failed.
   */
  listDue(wanted: readonly WantedCopies[], at: Date, limit: number): Promise<readonly DueCopy[]>
  /** Compare-and-swap on `version`; `precondition_failed` when it has changed. */
  update(copy: RecoveryCopy, seenVersion: number): Promise<void>
}
