import type { CallContext, DiskRef, InstanceRef, OperationHandle, SnapshotRef } from '../refs.ts'

/** A set of snapshots of one instance's disks, taken at one moment. The id is the idempotency key that made it. */
export interface SnapshotSetRef {
  readonly setId: string
}
export type SnapshotState = 'pending' | 'usable' | 'failed'
export interface SnapshotSet {
  readonly ref: SnapshotSetRef
  readonly source: InstanceRef
  readonly takenAt: string
  readonly consistency: 'crash' | 'none'
  readonly state: SnapshotState
  readonly progressPercent: number
  /** The root first, then by device. */
  readonly members: readonly {
    readonly deviceKey: string
    readonly role: 'root' | 'data'
    readonly snapshot: SnapshotRef
    readonly state: SnapshotState
    readonly sizeGiB: number
  }[]
}

export interface CountedBytes {
  readonly usedBytes: number
  /** `undefined` where the cloud does not say. */
  readonly fullBytes: number | undefined
}

/** Disks of one instance at one point in time. */
export interface Snapshots {
  /**
   * All disks at one moment. Repeated with the same key: the same set, never a second one. Poll with `compute.poll`. `without`: data disks that
   * are no members of the set; those that are not plugged in are none anyway.
   */
  capture(ref: InstanceRef, context: CallContext, options?: { readonly without?: readonly DiskRef[] }): Promise<OperationHandle<SnapshotSetRef>>
  /** `undefined` when no member exists (any more). */
  get(set: SnapshotSetRef): Promise<SnapshotSet | undefined>
  /**
   * What the cloud keeps for a set alone, in bytes; it grows when a set before it goes. `undefined` while the cloud does not know yet, and of
   * a set of which a member is missing. Absent where the cloud never says.
   */
  storedBytes?(set: SnapshotSetRef): Promise<number | undefined>
  /**
   * The same by the cloud's lists of blocks, without reading any: `usedBytes` in what is not as in `since`, a set before it that is still
   * there, or in all of it without one; `fullBytes` in all of it. `undefined` while a member is not complete, or is missing. `unauthorized` where
   * the account may not list them. Absent where the cloud has no such lists, or has to be changed before it lets them be read.
   */
  countBytes?(set: SnapshotSetRef, options?: { readonly since?: SnapshotSetRef | undefined }): Promise<CountedBytes | undefined>
  /**
   * New disks from a set, unattached, in a zone; in the order of the set's members. `devices`: of these members alone; `not_found` when
   * the set has none of them.
   */
  materialise(
    set: SnapshotSetRef,
    to: { readonly zone: string; readonly devices?: readonly string[] },
    context: CallContext,
  ): Promise<OperationHandle<readonly DiskRef[]>>
  /** Deletes every member. Already gone: succeeds. */
  delete(set: SnapshotSetRef, context: CallContext): Promise<void>
  /** Deletes an unattached disk. Already gone: succeeds. Attached: `conflict`. */
  deleteDisk(disk: DiskRef, context: CallContext): Promise<void>
}
