import { seededRandom, sha256 } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { Block, BlockPage, Blocks, SnapshotRef } from '@understudy/provider'
import { createHash } from 'node:crypto'
import type { SagaDeps } from '../../context.ts'
import type { Finding, RecoveryPoint } from '../recovery-point.ts'
import { chunkBlocks, chunkDigest, resolveChunk, rootOf } from './chunk.ts'
import type { DiskDigest } from './digests.ts'
import { eachOf } from './take-digests.ts'

/** So many ranges are named; how many more there are is said. */
const namedMax = 16

export interface BytesToCheck {
  readonly point: RecoveryPoint
  readonly blocks: Blocks
  readonly scope: Omit<SnapshotRef, 'nativeId'>
  /** Of the blocks, between 0 and 1; which ones follows from the seed. */
  readonly share: number
  readonly seed: string
  /** By our clock: what has not been read then is left. */
  readonly untilMs?: number
  readonly signal: AbortSignal
}

export interface CheckedBytes {
  readonly findings: readonly Finding[]
  readonly read: number
  readonly of: number
}

/** Reads blocks again and compares them with their digests, and those with their root: names the disk and the bytes that differ. */
export async function checkBytes(deps: Pick<SagaDeps, 'database' | 'clock'>, asked: BytesToCheck): Promise<CheckedBytes> {
  const found = { findings: [] as Finding[], read: 0, of: 0 }
  for (const disk of asked.point.digests?.document?.disks ?? []) {
    const { findings, read } = await checkDisk(deps, asked, disk)
    found.findings.push(...findings)
    found.read += read
    found.of += disk.blocks
  }
  return found
}

async function checkDisk(deps: Pick<SagaDeps, 'database' | 'clock'>, asked: BytesToCheck, disk: DiskDigest): Promise<CheckedBytes> {
  const { recoveryDigests } = deps.database.stores
  const line = { resourceId: asked.point.resourceId, device: disk.device, from: disk.line, to: asked.point.sequence ?? 0 }
  const heads = await recoveryDigests.heads(line)
  if (rootOf(disk, heads) !== disk.root) return { findings: [rowsChanged(disk)], read: 0, of: disk.blocks }
  const random = seededRandom(Number.parseInt(sha256(`${asked.seed} ${disk.device}`).slice(0, 7), 16))
  const wrong: number[] = []
  let read = 0
  for (const { chunk, digest } of shuffled(heads, random.next)) {
    if (isLate(deps, asked)) break
    const entries = resolveChunk(await recoveryDigests.chunk({ ...line, chunk }))
    if (chunkDigest(entries) !== digest) return { findings: [rowsChanged(disk)], read, of: disk.blocks }
    const chosen = new Set([...entries.keys()].filter(() => asked.share >= 1 || random.next() < asked.share))
    // At least one of each disk, however small the share.
    if (chosen.size === 0 && read === 0 && entries.size > 0) chosen.add([...entries.keys()][random.int(0, entries.size - 1)] ?? 0)
    if (chosen.size === 0 && asked.share < 1) continue
    const snapshot = { ...asked.scope, nativeId: disk.snapshot }
    const listed = await blocksOf(asked, snapshot, chunk)
    // What has no digest was empty when it was read; what is in no list any more has lost its bytes.
    wrong.push(...[...listed.keys()].filter((index) => !entries.has(index)).map((index) => chunk * chunkBlocks + index))
    await eachOf([...chosen], async (index) => {
      if (isLate(deps, asked)) return
      const block = listed.get(index)
      const isSame = block !== undefined && (await hasDigest(asked, snapshot, block, entries.get(index) ?? undefined))
      if (!isSame) wrong.push(chunk * chunkBlocks + index)
      read += 1
    })
  }
  return { findings: bytesChanged(disk, wrong), read, of: disk.blocks }
}

const isLate = ({ clock }: Pick<SagaDeps, 'clock'>, { untilMs, signal }: BytesToCheck): boolean => {
  signal.throwIfAborted()
  return untilMs !== undefined && clock.nowMs() >= untilMs
}

/** By index in the chunk. */
async function blocksOf({ blocks, signal }: BytesToCheck, snapshot: SnapshotRef, chunk: number): Promise<ReadonlyMap<number, Block>> {
  const found = new Map<number, Block>()
  const end = (chunk + 1) * chunkBlocks
  for (let from: number | undefined = chunk * chunkBlocks; from !== undefined && from < end;) {
    const page: BlockPage | 'unrelated' = await blocks.list(snapshot, { from, signal })
    if (page === 'unrelated') throw new Error('a whole list is of every line')
    for (const block of page.blocks) if (block.index < end) found.set(block.index % chunkBlocks, block)
    from = page.next
  }
  return found
}

async function hasDigest({ blocks, signal }: BytesToCheck, snapshot: SnapshotRef, block: Block, digest: Buffer | undefined): Promise<boolean> {
  try {
    const bytes = await blocks.read(snapshot, block, { signal })
    return digest !== undefined && createHash('sha256').update(bytes).digest().equals(digest)
  } catch (error) {
    // The cloud's own checksum says so.
    if (isProviderError(error, 'conflict') && error.shape.nativeCode === 'ChecksumMismatch') return false
    throw error
  }
}

const rowsChanged = ({ device }: DiskDigest): Finding => ({
  kind: 'digests_changed',
  message: `The digests of ${device} in the database are not those that were recorded.`,
  data: { device },
})

/** Neighbouring blocks are one range; byte offsets, the last one included. */
function bytesChanged({ device, snapshot, blockBytes, sizeBytes }: DiskDigest, wrong: readonly number[]): readonly Finding[] {
  if (wrong.length === 0) return []
  const ranges: { from: number; to: number }[] = []
  for (const index of wrong.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1)
    const [from, to] = [index * blockBytes, Math.min(sizeBytes, (index + 1) * blockBytes) - 1]
    if (last !== undefined && last.to + 1 === from) last.to = to
    else ranges.push({ from, to })
  }
  const named = ranges.slice(0, namedMax)
  const text = named.map(({ from, to }) => `${from}–${to}`).join(', ')
  const more = ranges.length > namedMax ? ` and in ${ranges.length - namedMax} more ranges` : ''
  return [
    {
      kind: 'bytes_changed',
      message: `The bytes of ${device} (${snapshot}) at ${text}${more} are not those that were kept.`,
      data: { device, snapshot, blocks: wrong.length, ranges: named },
    },
  ]
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = items.map((item) => ({ item, at: random() }))
  return order.toSorted((a, b) => a.at - b.at).map(({ item }) => item)
}
