import { now } from '@understudy/core'
import type { SagaDeps } from '../../context.ts'
import type { Stores } from '../../database.ts'
import type { DigestStore, ReadPoint } from './digest.store.ts'
import { foldChunk } from './fold-chunk.ts'

/**
 * Leaves nothing of the digests of purged points: what later points of the line are built on goes over to the next one that stands, and the
 * rest is deleted. Whatever is read of a standing point meanwhile is what was read before. Repeated after a crash, it goes on. Nothing may read
 * new digests of the resource meanwhile.
 */
export async function compactDigests(
  deps: Pick<SagaDeps, 'database' | 'clock'>,
  { resourceId, signal }: { readonly resourceId: string; readonly signal: AbortSignal },
): Promise<{ readonly points: number; readonly chunks: number }> {
  const { recoveryDigests } = deps.database.stores
  let chunks = 0
  // The newest first, so that every heir is one that stands.
  const purged = await recoveryDigests.purged(resourceId)
  for (const point of purged) {
    const heir = await recoveryDigests.firstStanding(resourceId, point.sequence)
    for (;;) {
      signal.throwIfAborted()
      const isLeft = await deps.database.transaction((stores) => handOver(stores, resourceId, point, heir))
      if (!isLeft) break
      chunks += 1
    }
    if (heir !== undefined && (await hasGrown(recoveryDigests, resourceId, point, heir))) await recordSpace(deps, heir)
  }
  return { points: purged.length, chunks }
}

/** One chunk, in one transaction. */
async function handOver({ recoveryDigests }: Stores, resourceId: string, point: ReadPoint, heir: ReadPoint | undefined): Promise<boolean> {
  const gone = await recoveryDigests.first(point.id)
  if (gone === undefined) return false
  const { device, chunk } = gone
  const line = heir?.disks.find((disk) => disk.device === device)
  if (heir !== undefined && line !== undefined && line.line <= point.sequence) {
    const rows = await recoveryDigests.chunk({ resourceId, device, chunk, from: line.line, to: heir.sequence })
    const own = rows.find(({ pointId }) => pointId === heir.id)
    const before = rows.filter(({ sequence }) => sequence < point.sequence)
    const { id: pointId, sequence } = heir
    await recoveryDigests.put(foldChunk({ gone, own, before, blockBytes: line.blockBytes, heir: { pointId, sequence } }))
  }
  await recoveryDigests.deleteChunk(point.id, { device, chunk })
  return true
}

/** One that was read as a whole says nothing of what it shares with those before it, unless there are none. */
const hasGrown = async (store: DigestStore, resourceId: string, point: ReadPoint, heir: ReadPoint): Promise<boolean> =>
  heir.disks.some(({ line }) => line <= point.sequence) || (await store.firstStanding(resourceId, 0))?.id === heir.id

/** What the cloud keeps for a point has grown by what it shared with the one that has gone. */
async function recordSpace({ database, clock }: Pick<SagaDeps, 'database' | 'clock'>, heir: ReadPoint): Promise<void> {
  const { recoveryDigests, recoveryPoints } = database.stores
  const sums = await Promise.all(heir.disks.map(({ device }) => recoveryDigests.sums(heir.id, device)))
  const usedBytes = sums.reduce((sum, { keptBytes }) => sum + keptBytes, 0)
  const fullBytes = heir.disks.reduce((sum, { blocks, blockBytes }) => sum + blocks * blockBytes, 0)
  await recoveryPoints.setSpace(heir.id, { basis: 'digests', usedBytes, fullBytes }, now(clock))
}
