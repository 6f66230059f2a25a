import { providerError } from '@understudy/provider'
import type { SnapshotSet, SnapshotSetRef } from '@understudy/provider'
import { type Adapter, instanceRef } from './adapter.ts'
import { readDiskSnapshots } from './disk-snapshots.ts'
import type { KeptSet } from './kept-set.ts'
import { readRestorePoint } from './restore-points.ts'
import { sourceTag, zoneTag } from './tags.ts'

/** `undefined` when there is nothing of this key there; what has the same name and another key is not ours. In another region it is a copy. */
export async function readSet(adapter: Adapter, ref: SnapshotSetRef, region = adapter.scope.region): Promise<KeptSet | undefined> {
  return (await readRestorePoint(adapter, ref, region)) ?? (await readDiskSnapshots(adapter, ref, region))
}

export const progressOf = ({ disks }: KeptSet): number => (disks.length === 0 ? 0 : Math.min(...disks.map(({ percent }) => percent)))

export const setOf = (adapter: Adapter, ref: SnapshotSetRef, kept: KeptSet): SnapshotSet => ({
  ref,
  source: instanceRef(adapter.scope, kept.tags[sourceTag] ?? kept.sourceId ?? '', kept.tags[zoneTag]),
  takenAt: (kept.takenAt ?? new Date(0)).toISOString(),
  consistency: kept.consistency,
  state: kept.state,
  progressPercent: progressOf(kept),
  members: kept.disks.map(({ deviceKey, role, id, sizeGiB, state }) => ({
    ...{ deviceKey, role, sizeGiB, state },
    snapshot: { ...adapter.scope, nativeId: id },
  })),
})

/** Throws `conflict` while the set cannot be used, `not_found` when it is gone. */
export async function usableSet(adapter: Adapter, ref: SnapshotSetRef): Promise<KeptSet> {
  const kept = await readSet(adapter, ref)
  if (kept?.isWhole !== true) throw notThere(ref)
  if (kept.state !== 'usable')
    throw providerError('conflict', 'SnapshotSet.NotUsable', `The snapshot set ${ref.setId} is ${kept.state}, ${progressOf(kept)} % done.`)
  return kept
}

export const notThere = ({ setId }: SnapshotSetRef) =>
  providerError('not_found', 'SnapshotSet.NotFound', `The snapshot set ${setId} does not exist (any more), or only a part of it.`)
