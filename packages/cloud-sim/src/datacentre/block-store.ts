/**
 * Where the bytes of volumes and snapshots live. Calls are synchronous, so that a multi-volume snapshot is one instant.
 * Ids are volume or snapshot ids; bytes never written read as zero.
 */
export interface BlockStore {
  createEmpty(id: string, sizeBytes: number): void
  /** A writable copy of a frozen id; may be larger than its source. */
  cloneFrom(id: string, frozenId: string, sizeBytes: number): void
  /** Keeps the present bytes of `id` under `frozenId`, unchangeable, while `id` is written on. */
  freeze(frozenId: string, id: string): void
  /** Throws a RangeError outside of the volume. */
  read(id: string, offset: number, length: number): Uint8Array
  /** Throws a RangeError outside of the volume, and an Error for a frozen id. */
  write(id: string, offset: number, bytes: Uint8Array): void
  /** Numbers of the blocks (of `blockBytes`) that were ever written, ascending; the others read as zero. */
  written(id: string): readonly number[]
  /** Blocks in which two of one line may differ, ascending; `undefined` when nothing they stand on is common to both. */
  differing(id: string, otherId: string): readonly number[] | undefined
  /** Silent corruption of what is frozen: other bytes, and nothing that lists what was written knows of it. */
  spoil(frozenId: string, offset: number, bytes: Uint8Array): void
  /** Unknown id: nothing happens. Bytes that a clone still needs stay. */
  delete(id: string): void
  has(id: string): boolean
  sizeBytes(id: string): number
}
