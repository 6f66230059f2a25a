import { ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import type { CallContext } from '@understudy/provider'

/** The image that the source of a stand-in was made of. */
export const imageTag = 'understudy:image'
/** Hash of what was asked for under a key: tells a repeated creation from another under the same key. */
export const specTag = 'understudy:spec'
/** `stopped` or `held` until a new stand-in has come to rest there once. */
export const restTag = 'understudy:rest'

/** ARM takes at most this many tags on one resource. */
const maxTags = 50

export const creationTags = (context: CallContext, installation: string): Labels => ({
  ...context.tags,
  [ownTags.managed]: 'true',
  [ownTags.installation]: context.tags[ownTags.installation] ?? installation,
  [ownTags.operation]: context.idempotencyKey,
})

/** The source's own tags on a clone of it, without ours, as many as fit beside `added`. */
export function clonedTags(source: Labels, added: Labels): Labels {
  const kept = Object.entries(source)
    .filter(([key]) => !key.startsWith('understudy:') && !key.startsWith('hidden-') && !(key in added))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, Math.max(0, maxTags - Object.keys(added).length))
  return { ...Object.fromEntries(kept), ...added }
}
