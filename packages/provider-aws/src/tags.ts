import type { Labels } from '@understudy/core'
import { clonedTagsWithin } from '@understudy/provider/adapter-kit'

/** EC2 takes at most this many tags on one thing. */
const maxTags = 50

interface AwsTag {
  readonly Key?: string | undefined
  readonly Value?: string | undefined
}

export const readTags = (tags: readonly AwsTag[] | undefined): Labels =>
  Object.fromEntries((tags ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? '']])))

export const writeTags = (tags: Labels): { Key: string; Value: string }[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

/** The source's tags on a clone of it, as many as EC2 takes beside `added`. */
export const clonedTags = (source: Labels, added: Labels): Labels => clonedTagsWithin(source, added, { tagsMax: maxTags, reservedPrefix: 'aws:' })
