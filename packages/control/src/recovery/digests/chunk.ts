import { createHash } from 'node:crypto'

/** Digests are kept by this many blocks: of 512 KiB they are 2 GiB, and have at most 136 KiB of digests. */
export const chunkBlocks = 4096
const entryBytes = 34
/** So many changes of a chunk are looked through before it is written as a whole again. */
const deltasMax = 32

/** By index in the chunk; `null`: the block has no bytes any more. */
export type Entries = ReadonlyMap<number, Buffer | null>

/** What is kept of one chunk of one disk for one point: all of its digests, or those that differ from the point before. */
export interface DigestChunk {
  readonly pointId: string
  readonly resourceId: string
  readonly device: string
  /** Of the point. */
  readonly sequence: number
  readonly chunk: number
  readonly whole: boolean
  readonly entries: Uint8Array
  /** Of the whole chunk as it is at this point; `blocks`: how many it has. */
  readonly digest: string
  readonly blocks: number
  readonly read: number
  readonly keptBytes: number
}

const cleared = Buffer.alloc(32)

/** Index (2 bytes, big-endian) and SHA-256 of each block, ascending; 32 zero bytes: none any more. */
export function encodeEntries(entries: Entries): Buffer {
  const bytes = Buffer.alloc(entries.size * entryBytes)
  ascending(entries).forEach(([index, digest], at) => {
    bytes.writeUInt16BE(index, at * entryBytes)
    ;(digest ?? cleared).copy(bytes, at * entryBytes + 2)
  })
  return bytes
}

export function decodeEntries(bytes: Uint8Array): Entries {
  const buffer = Buffer.from(bytes)
  const entries = new Map<number, Buffer | null>()
  for (let at = 0; at + entryBytes <= buffer.length; at += entryBytes) {
    const digest = buffer.subarray(at + 2, at + entryBytes)
    entries.set(buffer.readUInt16BE(at), digest.equals(cleared) ? null : digest)
  }
  return entries
}

/** The chunk as it is, from what is kept of it, the newest first, down to one that is whole or to the first of the line. */
export function resolveChunk(newestFirst: readonly Pick<DigestChunk, 'whole' | 'entries'>[]): Entries {
  const lastWhole = newestFirst.findIndex(({ whole }) => whole)
  const used = lastWhole < 0 ? newestFirst : newestFirst.slice(0, lastWhole + 1)
  return overlay(new Map(), ...used.toReversed().map(({ entries }) => decodeEntries(entries)))
}

/** Later ones over earlier ones; what was cleared is left out. */
export function overlay(...layers: readonly Entries[]): Entries {
  const found = new Map<number, Buffer>()
  for (const layer of layers) {
    for (const [index, digest] of layer) {
      if (digest === null) found.delete(index)
      else found.set(index, digest)
    }
  }
  return found
}

/** Writing it as a whole again keeps both bounded: what is looked through, and, over time, twice what changes take. */
export function isDueWhole(earlier: readonly Pick<DigestChunk, 'whole' | 'entries'>[], changes: Entries): boolean {
  const lastWhole = earlier.findIndex(({ whole }) => whole)
  const since = lastWhole < 0 ? earlier : earlier.slice(0, lastWhole)
  const entries = since.reduce((sum, row) => sum + row.entries.length / entryBytes, changes.size)
  return earlier.length === 0 || since.length >= deltasMax || entries > chunkBlocks
}

export const chunkDigest = (entries: Entries): string => createHash('sha256').update(encodeEntries(entries)).digest('hex')

/** Of a disk: its block and disk size, then number and digest of every chunk that has blocks. The same however it was come by. */
export function rootOf(
  { blockBytes, sizeBytes }: { readonly blockBytes: number; readonly sizeBytes: number },
  chunks: readonly Pick<DigestChunk, 'chunk' | 'digest' | 'blocks'>[],
): string {
  const hash = createHash('sha256').update(`understudy-digests 1 ${blockBytes} ${sizeBytes}\n`)
  for (const { chunk, digest, blocks } of chunks.toSorted((a, b) => a.chunk - b.chunk)) if (blocks > 0) hash.update(`${chunk} ${digest}\n`)
  return hash.digest('hex')
}

const ascending = (entries: Entries) => [...entries].toSorted(([a], [b]) => a - b)
