import type { CallContext } from '../refs.ts'
import type { SnapshotSetRef, SnapshotState } from './snapshots.ts'

/** A copy of a set in another region of the same account. The id is the idempotency key that made it. */
export interface SnapshotCopyRef {
  readonly copyId: string
  readonly region: string
}
export interface SnapshotCopy {
  readonly ref: SnapshotCopyRef
  /** Usable when every member is; failed when one is. A member that nobody has begun with yet is none. */
  readonly state: SnapshotState
  readonly progressPercent: number
  /** By device. `source` and `nativeId` are ids of the cloud: of the snapshot in the region of the set, and of its copy. */
  readonly members: readonly {
    readonly deviceKey: string
    readonly source: string
    readonly nativeId: string
    readonly state: SnapshotState
    readonly sizeGiB: number
  }[]
}

/** Copies of snapshot sets in other regions. Absent where the cloud, or its adapter, makes none: `Traits.copySnapshots` says why. */
export interface Copies {
  /** Regions that this account can use, its own among them. */
  regions(): Promise<readonly string[]>
  /**
   * Begins to copy every member. Repeated with the same key: goes on with the members that are missing, and never makes a second copy of one.
   * `not_found`: the set is gone; `conflict`: it is not usable; `throttled`: as many are copied to the region as the cloud allows at once.
   * `invalid`: the region is the set's own. How far it is, `get` says.
   */
  copy(set: SnapshotSetRef, to: { readonly region: string }, context: CallContext): Promise<void>
  /** `undefined` when no member exists (any more). */
  get(copy: SnapshotCopyRef): Promise<SnapshotCopy | undefined>
  /** Deletes every member, also one that is not complete. Already gone: succeeds. */
  delete(copy: SnapshotCopyRef, context: CallContext): Promise<void>
}
