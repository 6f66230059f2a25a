import { isProviderError } from '@understudy/provider'
import type { CountedBytes, SnapshotSetRef } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { changedBytes } from './blocks.ts'
import { setOf, snapshotsOf } from './snapshot-sets.ts'

/**
 * What EC2 and the EBS direct APIs say of a set: `FullSnapshotSizeInBytes` of its snapshots, and how many blocks of 512 KiB have changed since
 * another set. A disk that was not in that one, or is another by now, is kept as a whole.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Snapshot.html,
 * https://docs.aws.amazon.com/ebs/latest/APIReference/API_ListChangedBlocks.html
 */
export async function countBytes(adapter: Adapter, ref: SnapshotSetRef, since: SnapshotSetRef | undefined): Promise<CountedBytes | undefined> {
  const snapshots = await snapshotsOf(adapter, ref.setId)
  const set = setOf(adapter, ref, snapshots)
  if (set?.state !== 'usable') return undefined
  const before = since === undefined ? undefined : setOf(adapter, since, await snapshotsOf(adapter, since.setId))
  const fullOf = new Map(snapshots.map(({ SnapshotId, FullSnapshotSizeInBytes }) => [SnapshotId, FullSnapshotSizeInBytes]))
  let usedBytes = 0
  let fullBytes = 0
  for (const { deviceKey, snapshot } of set.members) {
    const full = fullOf.get(snapshot.nativeId)
    // Endpoints that resemble EC2, and snapshots of long ago, do not say it.
    if (full === undefined) return undefined
    const line = before?.members.find((member) => member.deviceKey === deviceKey && member.state === 'usable')
    const changed = line === undefined ? 'unrelated' : await sinceOf(adapter, snapshot.nativeId, line.snapshot.nativeId)
    usedBytes += changed === 'unrelated' ? full : changed
    fullBytes += full
  }
  return { usedBytes, fullBytes }
}

/** Of one that somebody has deleted meanwhile nothing is shared. */
async function sinceOf(adapter: Adapter, snapshotId: string, sinceId: string): Promise<number | 'unrelated'> {
  try {
    return await changedBytes(adapter, snapshotId, sinceId)
  } catch (error) {
    if (isProviderError(error, 'not_found')) return 'unrelated'
    throw error
  }
}
