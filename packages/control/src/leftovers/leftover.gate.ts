import { ownTags } from '@understudy/core'
import type { Leftover } from '@understudy/provider'

/**
 * Whether nobody will come back for it: it says whose it was made for, and nothing is under way there. What does not say so is not ours to
 * judge.
 */
export function isNobodys({ tags }: Leftover, busyResources: ReadonlySet<string | undefined>): boolean {
  const resourceId = tags[ownTags.resource]
  return resourceId !== undefined && !busyResources.has(resourceId)
}
