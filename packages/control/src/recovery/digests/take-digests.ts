import type { Block, BlockPage, Blocks, SnapshotRef } from '@understudy/provider'
import { createHash } from 'node:crypto'
import { chunkBlocks, chunkDigest, encodeEntries, isDueWhole, overlay, resolveChunk, rootOf } from './chunk.ts'
import type { Entries } from './chunk.ts'
import type { DigestStore } from './digest.store.ts'
import type { DiskDigest } from './digests.ts'

/** Blocks of one snapshot that are asked for at once. */
const atOnce = 8

export interface DiskToRead {
  readonly pointId: string
  readonly resourceId: string
  readonly sequence: number
  readonly device: string
  readonly snapshot: SnapshotRef
  readonly blockBytes: number
  /** The point whose digests are built on. */
  readonly since: { readonly pointId: string; readonly line: number; readonly snapshot: SnapshotRef } | undefined
}

/**
 * Reads a disk, as a whole or what has changed, and keeps the digests of its blocks chunk by chunk. Begun again, it goes on behind the
 * last chunk that was kept. A snapshot that is of no line with the one before is read as a whole.
 */
export async function takeDigests(store: DigestStore, blocks: Blocks, disk: DiskToRead, signal: AbortSignal): Promise<DiskDigest> {
  const last = await store.lastChunk(disk.pointId, disk.device)
  let from: number | undefined = last === undefined ? 0 : (last + 1) * chunkBlocks
  let { since } = disk
  let sizeBytes = 0
  let waiting: Block[] = []
  while (from !== undefined) {
    signal.throwIfAborted()
    const page: BlockPage | 'unrelated' = await blocks.list(disk.snapshot, { from, since: since?.snapshot, signal })
    if (page === 'unrelated') {
      since = undefined
      continue
    }
    ;({ sizeBytes, next: from } = page)
    waiting.push(...page.blocks)
    // The last chunk of a page may go on in the next one.
    const open = from === undefined ? undefined : Math.floor(from / chunkBlocks)
    for (const [chunk, members] of Map.groupBy(waiting, ({ index }) => Math.floor(index / chunkBlocks))) {
      if (chunk !== open) await keepChunk(store, blocks, { ...disk, since }, { chunk, members }, signal)
    }
    waiting = waiting.filter(({ index }) => Math.floor(index / chunkBlocks) === open)
  }
  const { pointId, resourceId, device, sequence, blockBytes, snapshot } = disk
  const line = since?.line ?? sequence
  const heads = await store.heads({ resourceId, device, from: line, to: sequence })
  return {
    ...{ device, snapshot: snapshot.nativeId, sizeBytes, blockBytes, since: since?.pointId ?? null, line },
    blocks: heads.reduce((sum, head) => sum + head.blocks, 0),
    ...(await store.sums(pointId, device)),
    root: rootOf({ blockBytes, sizeBytes }, heads),
  }
}

async function keepChunk(
  store: DigestStore,
  blocks: Blocks,
  { pointId, resourceId, device, sequence, snapshot, since }: DiskToRead,
  { chunk, members }: { readonly chunk: number; readonly members: readonly Block[] },
  signal: AbortSignal,
): Promise<void> {
  const changes = new Map<number, Buffer | null>(members.flatMap(({ index, cleared }) => (cleared === true ? [[index % chunkBlocks, null]] : [])))
  await eachOf(
    members.filter(({ cleared }) => cleared !== true),
    async (block) => {
      const bytes = await blocks.read(snapshot, block, { signal })
      changes.set(block.index % chunkBlocks, createHash('sha256').update(bytes).digest())
    },
  )
  const earlier = since === undefined ? [] : await store.chunk({ resourceId, device, chunk, from: since.line, to: sequence - 1 })
  const present: Entries = overlay(resolveChunk(earlier), changes)
  const whole = isDueWhole(earlier, changes)
  await store.put({
    ...{ pointId, resourceId, device, sequence, chunk, whole },
    keptBytes: members.reduce((sum, block) => sum + block.keptBytes, 0),
    entries: encodeEntries(whole ? present : changes),
    digest: chunkDigest(present),
    blocks: present.size,
    read: members.filter(({ cleared }) => cleared !== true).length,
  })
}

/** A few at a time; the first failure ends it. */
export async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of queue) await work(item)
    }),
  )
}
