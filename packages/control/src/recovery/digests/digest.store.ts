import type { DigestChunk } from './chunk.ts'
import type { DiskDigest } from './digests.ts'

/** Which disk, and which part of its line. */
export interface LineQuery {
  readonly resourceId: string
  readonly device: string
  readonly from: number
  readonly to: number
}

/** Digests of blocks, by chunk. Rows of an attempt that is given up are deleted with it. */
export interface DigestStore {
  /** Repeated: replaced by what is the same. */
  put(chunk: DigestChunk): Promise<void>
  /** Number of the last chunk that was written of a disk for a point: a reader goes on behind it. */
  lastChunk(pointId: string, device: string): Promise<number | undefined>
  /** Of one chunk, the newest first. */
  chunk(query: LineQuery & { readonly chunk: number }): Promise<readonly DigestChunk[]>
  /** Of every chunk the newest, without entries. */
  heads(query: LineQuery): Promise<readonly Omit<DigestChunk, 'entries'>[]>
  sums(pointId: string, device: string): Promise<{ readonly read: number; readonly keptBytes: number }>
  deleteOf(pointId: string): Promise<void>
  /** One chunk of a point; `undefined` when it has none (any more). */
  first(pointId: string): Promise<DigestChunk | undefined>
  deleteChunk(pointId: string, which: Pick<DigestChunk, 'device' | 'chunk'>): Promise<void>
  /** Resources with purged points that still have chunks. */
  listToCompact(limit: number): Promise<readonly { readonly projectId: string; readonly resourceId: string }[]>
  /** Purged points of a resource that still have chunks, the newest first. */
  purged(resourceId: string): Promise<readonly ReadPoint[]>
  /** The next point that was read and is not purged, behind a sequence. */
  firstStanding(resourceId: string, behind: number): Promise<ReadPoint | undefined>
  /** The newest point of a resource that was read, below a sequence; with its manifest. */
  newestRead(resourceId: string, below: number): Promise<string | undefined>
  /**
   * Of each resource the oldest usable point that is to be read: captured since then, not read, and not before one that was. One that has
   * failed is due again when that was before `failedBefore`.
   */
  due(resourceIds: readonly string[], times: { readonly capturedSince: Date; readonly failedBefore: Date }): Promise<readonly DuePoint[]>
}
export interface DuePoint {
  readonly id: string
  readonly resourceId: string
}
/** A point as the document of its digests says it. */
export interface ReadPoint {
  readonly id: string
  readonly sequence: number
  readonly disks: readonly DiskDigest[]
}
