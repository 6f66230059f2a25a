import type { Labels } from '@understudy/core'
import type { SnapshotSet, SnapshotState } from '@understudy/provider'

/** One disk of a set, however Azure keeps it. */
export interface KeptDisk {
  readonly deviceKey: string
  readonly role: 'root' | 'data'
  /** ARM id of the snapshot, or of the restore point of the disk. */
  readonly id: string
  /** How a disk is made of it. */
  readonly createOption: 'Copy' | 'Restore'
  /** Kind of the disk it was taken of. */
  readonly type: string
  readonly sizeGiB: number
  readonly osType: 'Windows' | 'Linux' | undefined
  /** Of the host, as the VM had it for the disk. */
  readonly caching: string | undefined
  /** Of a snapshot: what Azure calls all incremental snapshots of its disk. */
  readonly family?: string
  /** Of a copy: ARM id of what it is of, in the other region. */
  readonly copyOf?: string
  readonly percent: number
  readonly state: SnapshotState
}

export interface KeptSet {
  readonly how: 'restore-point' | 'disk-snapshots'
  readonly tags: Labels
  /** The VM, where the tags do not name it. */
  readonly sourceId?: string
  readonly takenAt: Date | undefined
  readonly consistency: SnapshotSet['consistency']
  readonly state: SnapshotState
  /** Not of what was begun and not completed (yet), nor where a part of it is gone. */
  readonly isWhole: boolean
  /** The root first, then by number. */
  readonly disks: readonly KeptDisk[]
  /** What Azure says of a failure. */
  readonly why?: string
}
