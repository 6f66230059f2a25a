import { ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import type { CallContext } from '../refs.ts'

/** Written on everything a call creates: the caller's own tags, and those by which it is found and owned. */
export const creationTags = (context: CallContext, installation: string): Labels => ({
  ...context.tags,
  [ownTags.managed]: 'true',
  [ownTags.installation]: context.tags[ownTags.installation] ?? installation,
  [ownTags.operation]: context.idempotencyKey,
})

/**
 * The source's tags on a clone of it: without ours, without those whose prefix the cloud keeps for itself, and as many as fit
 * beside `added`. The same input gives the same output, since clouds compare the tags of a repeated creation.
 */
export function clonedTagsWithin(source: Labels, added: Labels, cloud: { readonly tagsMax: number; readonly reservedPrefix: string }): Labels {
  const kept = Object.entries(source)
    .filter(([key]) => !key.startsWith(cloud.reservedPrefix) && !key.startsWith('understudy:') && !(key in added))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, Math.max(0, cloud.tagsMax - Object.keys(added).length))
  return { ...Object.fromEntries(kept), ...added }
}
