import type { CallContext, DiskRef, InstanceRef } from '../refs.ts'

/** A place of an instance, and what shall be plugged in there. */
export interface DiskPlace {
  /** As in `DiskDna.deviceKey`. */
  readonly deviceKey: string
  readonly disk: DiskRef
  readonly deleteWithInstance: boolean
}

export type Plugged =
  | { readonly settled: false }
  | {
      readonly settled: true
      readonly deviceKey: string
      /** Where a Linux guest may find it, the surest path first. Its partitions follow as `-part1`. */
      readonly inGuest: readonly string[]
    }

/** Which disk is plugged in where. Absent where a cloud, or its adapter, cannot exchange the disks of an instance that exists. */
export interface Disks {
  /**
   * Declares what shall be in these places; others stay as they are. One call does what can be done now and answers whether
   * everything is as declared: call again, a little later, until `settled`. Nothing is remembered between calls, so that a
   * restarted process goes on where another one stopped. A disk that loses its place stays, unplugged.
   * Throws `conflict` unless the instance is stopped, and `not_found` when the instance or a disk is gone.
   */
  arrange(ref: InstanceRef, places: readonly DiskPlace[], context: CallContext): Promise<{ readonly settled: boolean }>
  /**
   * Plugs a disk in beside those that are there, in a place that is free, whether the instance runs or is stopped; it stays when the
   * instance goes. `readOnly` is kept by the cloud where `Traits.readOnlyDisks` says so, and `invalid` elsewhere. Like `arrange`: call
   * again until `settled`. Throws `conflict` while the instance is in no state for it, and when the
   * disk is plugged in elsewhere.
   */
  plug(ref: InstanceRef, disk: DiskRef, how: { readonly readOnly: boolean }, context: CallContext): Promise<Plugged>
  /**
   * Unplugs a data disk of an instance, whether it runs or is stopped; call again until `settled`. Not plugged in there, or the instance is
   * gone: settled. A guest that has it mounted keeps it from settling.
   */
  unplug(ref: InstanceRef, disk: DiskRef, context: CallContext): Promise<{ readonly settled: boolean }>
}
