import { contentHash } from '@understudy/core'

/**
 * What was read of a point after it was sealed: one root per disk over the SHA-256 of each of its blocks. The manifest cannot hold it, since
 * it is sealed by then: the hash of this document goes into the audit trail at once, and into the manifest of the next point that is sealed.
 */
export interface DigestDocument {
  readonly format: 1
  readonly point: string
  /** Hash of the manifest that it belongs to. */
  readonly manifest: string
  readonly disks: readonly DiskDigest[]
}

export interface DiskDigest {
  readonly device: string
  readonly snapshot: string
  readonly sizeBytes: number
  readonly blockBytes: number
  /** Only what differs from that point was read; `null`: all of it was. */
  readonly since: string | null
  /** Sequence of the point from which its line was read as a whole: digests of blocks are found from there on. */
  readonly line: number
  /** How many blocks have bytes of their own; the others read as zeroes. */
  readonly blocks: number
  /** How many were read for this. */
  readonly read: number
  /** What the cloud keeps for this point alone: all of a whole one, what has changed of another. */
  readonly keptBytes: number
  readonly root: string
}

export const digestModes = ['none', 'incremental', 'whole'] as const
export type DigestMode = (typeof digestModes)[number]

/** complete: read · unavailable: the cloud lets nobody read it · failed: it is tried again a day later, unless a later point was read. */
export interface PointDigests {
  readonly state: 'complete' | 'unavailable' | 'failed'
  readonly at: string
  readonly reason?: string
  readonly document?: DigestDocument
  /** SHA-256 of the document's canonical JSON. */
  readonly hash?: string
}

export const documentHash = (document: DigestDocument): string => contentHash(document)
