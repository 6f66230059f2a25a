import { contentHash } from '@understudy/core'
import type { SnapshotCopy, SnapshotCopyRef } from '@understudy/provider'

/**
 * copying: begun, or about to be · complete: every member can be used · failed: nothing of it is left, and it is tried again · deleted: with
 * its point
 */
export const recoveryCopyStatuses = ['copying', 'complete', 'failed', 'deleted'] as const
export type RecoveryCopyStatus = (typeof recoveryCopyStatuses)[number]

/** The snapshots of one recovery point once more, in another region. The row is there before anything is copied. */
export interface RecoveryCopy {
  readonly id: string
  readonly projectId: string
  readonly resourceId: string
  readonly accountId: string
  readonly pointId: string
  readonly region: string
  readonly status: RecoveryCopyStatus
  /** Ids of the cloud; there once it is complete. */
  readonly members: readonly CopyMember[]
  /** How often it was begun. */
  readonly attempts: number
  /** Of a failed one. */
  readonly nextAttemptAt: Date | undefined
  /** The last that has copied it. */
  readonly operationId: string
  readonly lastError: string | undefined
  readonly completedAt: Date | undefined
  readonly deletedAt: Date | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}
export interface CopyMember {
  readonly device: string
  readonly source: string
  readonly copy: string
  readonly sizeGiB: number
}

/** What it is made by, and found by again: known from the row alone, and the same at each attempt, each of which leaves nothing when it fails. */
export const copyRef = ({ id, region }: Pick<RecoveryCopy, 'id' | 'region'>): SnapshotCopyRef => ({
  copyId: contentHash(`${id}/copy`).slice(0, 32),
  region,
})

export const membersOfCopy = ({ members }: SnapshotCopy): readonly CopyMember[] =>
  members.map(({ deviceKey, source, nativeId, sizeGiB }) => ({ device: deviceKey, source, copy: nativeId, sizeGiB }))

const firstPauseMs = 10 * 60_000
const pauseMaxMs = 24 * 3_600_000
/** After so many attempts: ten minutes, doubled each time, a day at most. */
export const pauseAfter = (attempts: number): number => Math.min(pauseMaxMs, firstPauseMs * 2 ** Math.min(attempts - 1, 20))
