import type { PointDigests } from './digests/digests.ts'

/**
 * By whom room is known: the cloud counts what it keeps · the bytes were read for digests · blocks were counted that the cloud lists as changed
 * since the point before.
 */
export const spaceBases = ['cloud', 'digests', 'changed-blocks'] as const
export type SpaceBasis = (typeof spaceBases)[number]

/** Room of a point, in bytes; `undefined`: nobody knows (yet). */
export interface PointSpace {
  readonly basis?: SpaceBasis | undefined
  /** What the cloud keeps for this point alone. */
  readonly usedBytes: number | undefined
  /** What a full copy of the same blocks would take. */
  readonly fullBytes: number | undefined
}

export interface PointToMeasure {
  readonly id: string
  /** Of snapshots. */
  readonly setId: string
  readonly fullBytes: number | undefined
  /** Of the point before it that takes room. */
  readonly sinceSetId: string | undefined
}

/** As it was when its bytes were read. What the cloud keeps for it grows when a point before it goes. */
export function readSpace(digests: Pick<PointDigests, 'document'>): PointSpace | undefined {
  const disks = digests.document?.disks
  if (disks === undefined) return undefined
  return {
    basis: 'digests',
    usedBytes: disks.reduce((sum, { keptBytes }) => sum + keptBytes, 0),
    fullBytes: disks.reduce((sum, { blocks, blockBytes }) => sum + blocks * blockBytes, 0),
  }
}

export const savedBytes = ({ usedBytes, fullBytes }: PointSpace): number | undefined =>
  usedBytes === undefined || fullBytes === undefined ? undefined : Math.max(0, fullBytes - usedBytes)

/** Sums over the points of a resource that take room, and of how many of them each is known; in bytes. */
export interface SpaceSums {
  readonly points: number
  readonly used: { readonly known: number; readonly bytes: number }
  readonly full: { readonly known: number; readonly bytes: number }
  readonly saved: { readonly known: number; readonly bytes: number }
}

/** Room of all points of a resource. A sum over what is not known of every point would be too small: it is `undefined`. */
export interface ResourceSpace extends PointSpace {
  readonly points: number
  readonly savedBytes: number | undefined
  /** Why something is unknown. */
  readonly reason: string | undefined
}

export function resourceSpace({ points, used, full, saved }: SpaceSums): ResourceSpace {
  const whole = ({ known, bytes }: SpaceSums['used']): number | undefined => (known === points ? bytes : undefined)
  const missing = [
    { what: 'what the cloud keeps', of: points - used.known },
    { what: 'what a full copy would take', of: points - full.known },
  ].filter(({ of }) => of > 0)
  const reason = missing.map(({ what, of }) => `${what} is unknown of ${of} of ${points} points`).join('; ')
  return {
    ...{ points, usedBytes: whole(used), fullBytes: whole(full), savedBytes: whole(saved) },
    reason: reason === '' ? undefined : `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`,
  }
}
