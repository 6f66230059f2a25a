import { decodeEntries, encodeEntries, resolveChunk } from './chunk.ts'
import type { DigestChunk, Entries } from './chunk.ts'

type Row = Pick<DigestChunk, 'whole' | 'entries'>

export interface ChunkToFold {
  /** What the point that has gone had of the chunk. */
  readonly gone: DigestChunk
  /** What the point has that is read without it from now on; it need not have any. */
  readonly own: DigestChunk | undefined
  /** Of earlier points of the line, the newest first. */
  readonly before: readonly Row[]
  readonly blockBytes: number
  /** The point that is read without it. */
  readonly heir: Pick<DigestChunk, 'pointId' | 'sequence'>
}

/**
 * What the heir has of a chunk when nothing is left of the point before it: whoever reads the line up to the heir, or beyond, reads what was
 * read before. Entries are taken as they are: an edited one does not have the digest of its chunk afterwards either.
 */
export function foldChunk({ gone, own, before, blockBytes, heir }: ChunkToFold): DigestChunk {
  const { pointId, sequence } = heir
  if (own === undefined) return { ...gone, pointId, sequence, read: 0 }
  const whole = gone.whole || own.whole
  const entries = own.whole ? own.entries : encodeEntries(gone.whole ? resolveChunk([own, gone]) : later(gone, own))
  return { ...own, whole, entries, keptBytes: keptBytes(resolveChunk([own, gone, ...before]), resolveChunk(before), { gone, own, blockBytes }) }
}

/** Of two changes the later ones; what was cleared stays known as cleared. */
const later = (gone: Row, own: Row): Entries => new Map([...decodeEntries(gone.entries), ...decodeEntries(own.entries)])

/**
 * The cloud keeps for the heir what it has changed, and what the point before it had changed and the heir has left as it was. Clouds may count
 * in smaller portions than blocks: it is never more than both have kept.
 */
function keptBytes(
  at: Entries,
  before: Entries,
  { gone, own, blockBytes }: { readonly gone: DigestChunk; readonly own: DigestChunk; readonly blockBytes: number },
): number {
  const differing = [...at].filter(([index, digest]) => digest !== null && before.get(index)?.equals(digest) !== true).length
  return Math.min(gone.keptBytes + own.keptBytes, Math.max(own.keptBytes, differing * blockBytes))
}
