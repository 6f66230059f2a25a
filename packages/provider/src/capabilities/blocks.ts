import type { CallContext, SnapshotRef } from '../refs.ts'

/** `Traits.readSnapshots.blockBytes` bytes of a snapshot, from `index` times as many on; the last of a disk may be shorter. */
export interface Block {
  readonly index: number
  /** What the cloud wants to see when the block is read. Good for as long as the cloud says: read soon after listing. */
  readonly token?: string
  /** Only in lists of changes: it has no bytes of its own any more, and reads as zeroes. */
  readonly cleared?: true
  /** What the cloud keeps in it: it may count in smaller portions than blocks. Of a list of changes: what it keeps for the change. */
  readonly keptBytes: number
}

export interface BlockPage {
  readonly sizeBytes: number
  /** Ascending. What is in no block reads as zeroes, or, in a list of changes, is as it was. */
  readonly blocks: readonly Block[]
  /** Index at which the next page begins; absent: that was all. */
  readonly next?: number
}

/** The bytes of snapshots. Absent where nobody can read them without making a disk: `Traits.readSnapshots` says why. */
export interface Blocks {
  /**
   * Has the cloud let snapshots be read, where it has to be asked; otherwise nothing happens. What it lets end, ends with `close`, and by
   * itself after `seconds`. `not_found`: a snapshot is gone.
   */
  open(snapshots: readonly SnapshotRef[], how: { readonly seconds: number }, context: CallContext): Promise<void>
  /** Also of what another process has opened, and of what was never open, or is gone. */
  close(snapshots: readonly SnapshotRef[], context: CallContext): Promise<void>
  /**
   * Blocks that have bytes; with `since`, those that may differ from that snapshot of the same line (`unrelated`: there is no such line).
   * `conflict` while the snapshot is not complete, or not open; `not_found` when one is gone.
   */
  list(
    snapshot: SnapshotRef,
    options: { readonly from: number; readonly since?: SnapshotRef | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<BlockPage | 'unrelated'>
  /**
   * All bytes of one block. Compared with the checksum that the cloud sends along, where it does: `conflict` with the code
   * `ChecksumMismatch` when they are others. `invalid`: the token is too old; list again.
   */
  read(snapshot: SnapshotRef, block: Pick<Block, 'index' | 'token'>, options?: { readonly signal?: AbortSignal | undefined }): Promise<Uint8Array>
}
