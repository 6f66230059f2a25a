import { providerError } from '@understudy/provider'
import type { BlockPage, Blocks, SnapshotRef } from '@understudy/provider'
import { blockBytes as storeBlockBytes } from '../datacentre/block-store-layers.ts'
import type { SimAdapter } from './adapter.ts'

const gibibyte = 1024 ** 3
const pageMax = 10_000

/** As EBS has it: nothing is opened, and the blocks are of one size. */
export function simBlocks(adapter: SimAdapter): Blocks {
  const { readSnapshots } = adapter.likeness.traits
  const blockBytes = readSnapshots.supported ? readSnapshots.blockBytes : storeBlockBytes
  return {
    open: async () => undefined,
    close: async () => undefined,
    list: (snapshot, { from, since, signal }) =>
      adapter.call(
        since === undefined ? 'ListSnapshotBlocks' : 'ListChangedBlocks',
        () => list(adapter, snapshot, since, from, blockBytes),
        { effect: 'read' },
        signal,
      ),
    read: (snapshot, { index }, { signal } = {}) =>
      adapter.call(
        'GetSnapshotBlock',
        () => {
          const size = completed(adapter, snapshot).sizeGiB * gibibyte
          return adapter.dc.blocks.read(snapshot.nativeId, index * blockBytes, Math.min(blockBytes, size - index * blockBytes))
        },
        { effect: 'read' },
        signal,
      ),
  }
}

function list(adapter: SimAdapter, ref: SnapshotRef, since: SnapshotRef | undefined, from: number, blockBytes: number): BlockPage | 'unrelated' {
  const { blocks } = adapter.dc
  const { sizeGiB } = completed(adapter, ref)
  if (since !== undefined) completed(adapter, since)
  const written = new Set(indexes(blocks.written(ref.nativeId), blockBytes))
  const changed = since === undefined ? [...written] : blocks.differing(since.nativeId, ref.nativeId)
  if (changed === undefined) return 'unrelated'
  const all = since === undefined ? changed : indexes(changed, blockBytes)
  const found = all.filter((index) => index >= from)
  const page = found
    .slice(0, pageMax)
    .map((index) => (written.has(index) ? { index, keptBytes: blockBytes } : { index, cleared: true as const, keptBytes: 0 }))
  return {
    sizeBytes: sizeGiB * gibibyte,
    blocks: page,
    ...(found.length > pageMax ? { next: (page.at(-1)?.index ?? 0) + 1 } : {}),
  }
}

function completed({ dc }: SimAdapter, { nativeId }: SnapshotRef) {
  const [snapshot] = dc.storage.describeSnapshots({ ids: [nativeId] }).items
  if (snapshot?.state !== 'completed') throw providerError('conflict', 'IncorrectState', `The snapshot ${nativeId} is ${snapshot?.state ?? 'gone'}.`)
  return snapshot
}

/** Of this front's blocks, from the store's smaller ones. */
const indexes = (blocks: readonly number[], blockBytes: number): number[] => [
  ...new Set(blocks.map((block) => Math.floor((block * storeBlockBytes) / blockBytes))),
]
