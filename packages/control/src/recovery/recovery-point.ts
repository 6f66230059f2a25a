import type { Json } from '@understudy/core'
import type { PointDigests } from './digests/digests.ts'
import type { Manifest } from './manifest.ts'
import type { PointSpace } from './space.ts'

/**
 * capturing: its disks are being kept · usable: sealed, can be rolled back to · failed: nothing was kept · purging and purged: its
 * disks are being, or have been, deleted. The row of a purged one stays: the chain of the ones after it goes through it.
 */
export type RecoveryPointStatus = 'capturing' | 'usable' | 'failed' | 'purging' | 'purged'

/** One consistent, restorable state of a resource. */
export interface RecoveryPoint {
  readonly id: string
  readonly projectId: string
  readonly resourceId: string
  readonly accountId: string
  readonly status: RecoveryPointStatus
  readonly reason: string
  readonly requestedBy: string
  /** What a caller who can see inside the instance says of its database. */
  readonly database: DatabasePosition | undefined
  /** Position in the resource's chain, from 1; given when it is sealed. */
  readonly sequence: number | undefined
  readonly manifest: Manifest | undefined
  /** SHA-256 of the manifest's canonical JSON. */
  readonly manifestHash: string | undefined
  readonly capturedAt: Date | undefined
  /** Until then nothing deletes it. */
  readonly lockedUntil: Date | undefined
  /** When somebody deleted it; until `purgeTime` it can be brought back. */
  readonly deleteTime: Date | undefined
  readonly purgeTime: Date | undefined
  readonly verification: PointVerification | undefined
  /** Of its bytes, read after it was sealed. Absent: not (yet). */
  readonly digests?: PointDigests | undefined
  /** Absent: nobody knows (yet). */
  readonly space?: PointSpace | undefined
  /** What captures, or purges, it. */
  readonly operationId: string | undefined
  readonly lastError: string | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}

/** Where a database was when the disks were kept: a log sequence number, a binlog file and offset, a GTID set. */
export interface DatabasePosition {
  readonly engine: string
  readonly position: string
}

/** What the last look at a point has found. Without findings it is what was kept, as far as its bytes were read. */
export interface PointVerification {
  readonly at: string
  readonly findings: readonly Finding[]
  readonly bytes?: VerifiedBytes
}
/** How many blocks were read again, of how many that have digests. `reason`: why none was, or not all that were asked for. */
export interface VerifiedBytes {
  readonly read: number
  readonly of: number
  readonly reason?: string
}
export const findingKinds = [
  'manifest_changed',
  'chain_broken',
  'audit_differs',
  'clock_went_back',
  'clock_jumped',
  'snapshot_missing',
  'snapshot_unusable',
  'snapshot_changed',
  'digests_changed',
  'bytes_changed',
] as const
export type FindingKind = (typeof findingKinds)[number]
export interface Finding {
  readonly kind: FindingKind
  readonly message: string
  /** What it was and what it is. */
  readonly data?: Json
}

export const isLocked = (point: Pick<RecoveryPoint, 'lockedUntil'>, atMs: number): boolean =>
  point.lockedUntil !== undefined && point.lockedUntil.getTime() > atMs
