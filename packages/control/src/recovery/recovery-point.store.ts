import type { RecoveryPoint, RecoveryPointStatus } from './recovery-point.ts'
import type { PointSpace, PointToMeasure, SpaceSums } from './space.ts'

export interface RecoveryPointStore {
  insert(point: RecoveryPoint): Promise<void>
  find(projectId: string, id: string): Promise<RecoveryPoint | undefined>
  findById(id: string): Promise<RecoveryPoint | undefined>
  /** Newest first, without manifests. `after` is the id of the last one seen. */
  list(
    projectId: string,
    page: {
      readonly after: string | undefined
      readonly limit: number
      readonly resourceId?: string
      readonly status?: RecoveryPointStatus
    },
  ): Promise<readonly RecoveryPoint[]>
  /** Over the points of a resource that are sealed and not purged. */
  sumSpace(projectId: string, resourceId: string): Promise<SpaceSums>
  /** Changes nothing else, and no version: what a point takes is no decision of anybody's. `at`: when it was learned, or asked for in vain. */
  setSpace(id: string, space: PointSpace, at: Date): Promise<void>
  /** Of a cloud's account: points whose room was never asked for, or too long ago; the longest first. */
  listSpaceDue(
    accountId: string,
    before: { readonly known: Date; readonly unknown: Date; readonly limit: number },
  ): Promise<readonly PointToMeasure[]>
  /** The point after one that has gone keeps what both had in common. What the cloud said of it is too little: it is unknown, and asked for at once. */
  forgetSpaceAfter(resourceId: string, sequence: number): Promise<void>
  /** Whether the account still has disks that some point has kept, or is about to. */
  holdsAnything(accountId: string): Promise<boolean>
  /** Sealed points of a resource with a sequence up to `to`, from the highest down, whatever has become of them since. */
  chain(resourceId: string, query: { readonly to?: number; readonly limit: number }): Promise<readonly RecoveryPoint[]>
  /** Deleted ones whose time has come, and which nothing locks; the longest due first. Without manifests. */
  listDue(at: Date, limit: number): Promise<readonly RecoveryPoint[]>
  /**
   * Of the `limit` that are being captured the longest, those whose operation has ended all the same: it was cancelled before any of its
   * steps had begun, so that none was undone.
   */
  listAbandoned(limit: number): Promise<readonly RecoveryPoint[]>
  /** Compare-and-swap on `version`; `precondition_failed` when it has changed. `conflict` when its sequence is taken. */
  update(point: RecoveryPoint, seenVersion: number): Promise<void>
}
