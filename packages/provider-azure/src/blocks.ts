import { isProviderError, providerError } from '@understudy/provider'
import type { Block, BlockPage, Blocks, SnapshotRef } from '@understudy/provider'
import { type Adapter, call, waiting } from './adapter.ts'
import { type ArmId, parseArmId } from './arm-id.ts'
import type { PageRange } from './page-blob.ts'
import { traced } from './trace.ts'

/** What digests are made of: ranges of pages are brought to it. */
export const blockBytes = 512 * 1024
/** A list is asked for so many bytes of the disk at once. */
const windowBytes = 64 * 1024 ** 3
/** Disks have whole mebibytes; what a blob has more is the footer of a VHD. */
const mebibyte = 1024 ** 2

/**
 * Snapshots of disks, and the disks of restore points, as page blobs. Azure has to be asked for an address of each (`beginGetAccess`), which is good until `endGetAccess`
 * or its time is up. Addresses are held in memory alone: another process asks for its own.
 */
export function azureBlocks(adapter: Adapter): Blocks {
  const addresses = new Map<string, string>()
  const addressOf = ({ nativeId }: SnapshotRef): string => {
    const address = addresses.get(nativeId.toLowerCase())
    if (address === undefined) throw providerError('conflict', 'NotOpen', `Access to ${nativeId} has not been granted to this process.`)
    return address
  }
  return {
    open: (snapshots, { seconds }, context) =>
      traced(context, async () => {
        for (const snapshot of snapshots) {
          const { accessSAS } = await call(async () => grant(adapter, snapshot, seconds, context.signal))
          if (accessSAS === undefined) throw providerError('unknown', 'EmptyAnswer', 'Azure granted access and did not say where.')
          addresses.set(snapshot.nativeId.toLowerCase(), accessSAS)
        }
      }),
    close: (snapshots, context) =>
      traced(context, async () => {
        for (const snapshot of snapshots) {
          addresses.delete(snapshot.nativeId.toLowerCase())
          try {
            await call(async () => revoke(adapter, snapshot, context.signal))
          } catch (error) {
            if (!isProviderError(error, 'not_found')) throw error
          }
        }
      }),
    list: (snapshot, { from, since, signal }) =>
      list(adapter, addressOf(snapshot), { from, signal, since: since === undefined ? undefined : addressOf(since) }),
    async read(snapshot, { index }, { signal } = {}) {
      const from = index * blockBytes
      return adapter.clients.blobs.read(addressOf(snapshot), { from, to: from + blockBytes - 1 }, signal)
    },
  }
}

async function list(
  { clients }: Adapter,
  address: string,
  { from, since, signal }: { readonly from: number; readonly since: string | undefined; readonly signal: AbortSignal | undefined },
): Promise<BlockPage | 'unrelated'> {
  try {
    for (let start = from * blockBytes; ; start += windowBytes) {
      const { ranges, contentLength } = await clients.blobs.ranges(address, { from: start, to: start + windowBytes - 1, since, signal })
      const sizeBytes = Math.floor(contentLength / mebibyte) * mebibyte
      const blocks = blocksOf(ranges, sizeBytes)
      const end = start + windowBytes
      if (blocks.length === 0 && end < sizeBytes) continue
      return { sizeBytes, blocks, ...(end < sizeBytes ? { next: end / blockBytes } : {}) }
    }
  } catch (error) {
    // Not taken of the same disk, or taken later: what has changed between them nobody knows.
    if (since !== undefined && isProviderError(error, 'conflict') && error.shape.nativeCode.startsWith('PreviousSnapshot')) return 'unrelated'
    throw error
  }
}

/** A block of which only a part was cleared is read: it is as it is. One of which all was cleared is read too when it has other pages. */
function blocksOf(ranges: readonly PageRange[], sizeBytes: number): readonly Block[] {
  const found = new Map<number, { keptBytes: number; clearedBytes: number }>()
  for (const { from, to, cleared } of ranges) {
    for (let at = from; at <= Math.min(to, sizeBytes - 1);) {
      const index = Math.floor(at / blockBytes)
      const end = Math.min(to + 1, (index + 1) * blockBytes)
      const block = found.get(index) ?? { keptBytes: 0, clearedBytes: 0 }
      block[cleared ? 'clearedBytes' : 'keptBytes'] += end - at
      found.set(index, block)
      at = end
    }
  }
  return [...found]
    .toSorted(([a], [b]) => a - b)
    .map(([index, { keptBytes, clearedBytes }]) => ({ index, keptBytes, ...(clearedBytes === blockBytes ? { cleared: true as const } : {}) }))
}

async function grant(adapter: Adapter, snapshot: SnapshotRef, seconds: number, signal?: AbortSignal) {
  const { diskRestorePoint, snapshots } = adapter.clients.compute
  const data = { access: 'Read', durationInSeconds: seconds }
  const single = snapshotIn(snapshot)
  return single === undefined
    ? await diskRestorePoint.grantAccess(...partsOf(snapshot), data, waiting(adapter, signal))
    : await snapshots.grantAccess(single.group, single.name, data, waiting(adapter, signal))
}

async function revoke(adapter: Adapter, snapshot: SnapshotRef, signal?: AbortSignal): Promise<void> {
  const { diskRestorePoint, snapshots } = adapter.clients.compute
  const single = snapshotIn(snapshot)
  if (single === undefined) await diskRestorePoint.revokeAccess(...partsOf(snapshot), waiting(adapter, signal))
  else await snapshots.revokeAccess(single.group, single.name, waiting(adapter, signal))
}

/** `undefined`: not the snapshot of a single disk. */
function snapshotIn({ nativeId }: SnapshotRef): ArmId | undefined {
  const id = parseArmId(nativeId)
  return id?.type === 'microsoft.compute/snapshots' ? id : undefined
}

/** Resource group, collection, restore point and disk of an id. */
function partsOf({ nativeId }: SnapshotRef): [string, string, string, string] {
  const [, group = '', collection = '', point = '', disk = ''] =
    /\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Compute\/restorePointCollections\/([^/]+)\/restorePoints\/([^/]+)\/diskRestorePoints\/([^/]+)$/i.exec(
      nativeId,
    ) ?? []
  if (disk === '') throw providerError('invalid', 'NoRestorePoint', `${nativeId} is no restore point of a disk.`)
  return [group, collection, point, disk]
}
