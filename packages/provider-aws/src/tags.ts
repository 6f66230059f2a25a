import { ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import type { CallContext } from '@understudy/provider'

/** EC2 takes at most this many tags on one thing. */
const maxTags = 50

interface AwsTag {
  readonly Key?: string | undefined
  readonly Value?: string | undefined
}

export const readTags = (tags: readonly AwsTag[] | undefined): Labels =>
  Object.fromEntries((tags ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? '']])))

export const writeTags = (tags: Labels): { Key: string; Value: string }[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

/** Written on everything a call creates: the caller's own tags, and those by which it is found and owned. */
export const creationTags = (context: CallContext, installation: string): Labels => ({
  ...context.tags,
  [ownTags.managed]: 'true',
  [ownTags.installation]: context.tags[ownTags.installation] ?? installation,
  [ownTags.operation]: context.idempotencyKey,
})

/**
 * The source's tags on a clone of it: without those reserved by AWS, without ours, and as many as fit beside `added`. The same
 * input gives the same output, since EC2 compares the tags of a repeated launch.
 */
export function clonedTags(source: Labels, added: Labels): Labels {
  const kept = Object.entries(source)
    .filter(([key]) => !key.startsWith('aws:') && !key.startsWith('understudy:') && !(key in added))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, Math.max(0, maxTags - Object.keys(added).length))
  return { ...Object.fromEntries(kept), ...added }
}
