import type { RecoveryPoint, RecoveryPointStatus } from './recovery-point.ts'
import type { SpaceSums } from './space.ts'

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
