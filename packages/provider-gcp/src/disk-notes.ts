import type { Disk } from './clients.ts'
import type { Snapshot } from './storage-calls.ts'
import { lastPart } from './names.ts'

/** What a disk was made of at first. A disk made from a snapshot has lost the image that its snapshot's disk came from. */
export interface DiskOrigin {
  /** URL of an image. */
  readonly image?: string
  /** Name of a snapshot that is not ours. */
  readonly snapshot?: string
}

/** Beside a snapshot, in its description: what is needed to read a set from its members alone, and to make equal disks of them. */
export interface SnapshotNote {
  /** Id of the instance, and its zone. */
  readonly source: string
  readonly zone: string
  /** When the bytes are from: that of an exported instant snapshot is older than the snapshot. RFC 3339. */
  readonly takenAt?: string
  readonly device: string
  readonly role: 'root' | 'data'
  /** How many members the set has. */
  readonly of: number
  readonly type: string
  readonly iops?: number
  readonly throughputMiBps?: number
  readonly origin: DiskOrigin
}

const mark = 'understudy '

export const writeNote = (note: SnapshotNote | { readonly origin: DiskOrigin }): string => `${mark}${JSON.stringify(note)}`

/** A description is text that anybody may change: what is no note of ours is none. */
function readNote(description: string | null | undefined): Readonly<Record<string, unknown>> | undefined {
  if (description?.startsWith(mark) !== true) return undefined
  try {
    const parsed: unknown = JSON.parse(description.slice(mark.length))
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

export function noteOf({ description }: Pick<Snapshot, 'description'>): SnapshotNote | undefined {
  const note = readNote(description)
  const isNote =
    note !== undefined &&
    typeof note['source'] === 'string' &&
    typeof note['device'] === 'string' &&
    typeof note['of'] === 'number' &&
    isObject(note['origin'])
  return isNote ? (note as unknown as SnapshotNote) : undefined // written by `writeNote`
}

export function originOf({ description, sourceImage, sourceSnapshot }: Disk): DiskOrigin {
  const noted = readNote(description)?.['origin']
  if (isObject(noted)) {
    const { image, snapshot } = noted
    return { ...(typeof image === 'string' ? { image } : {}), ...(typeof snapshot === 'string' ? { snapshot } : {}) }
  }
  return { ...(sourceImage ? { image: sourceImage } : {}), ...(sourceSnapshot ? { snapshot: lastPart(sourceSnapshot) } : {}) }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)
