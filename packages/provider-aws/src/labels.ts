import type { Labelling } from '@understudy/provider'
import { isUrgent } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import { batchWindowMs, chunksOf, coalesce } from './coalesce.ts'
import { isBadMember } from './errors.ts'
import { lookBeforeRepeating } from './repeat.ts'
import { writeTags } from './tags.ts'

/** EC2's limit of resources in one call is 1,000. */
const maxResourcesPerCall = 200

interface TagChange {
  readonly nativeId: string
  readonly set: Readonly<Record<string, string>>
  readonly remove: readonly string[]
}

/** Tags, names and protection on EC2. Equal changes to several things at the same time are one call. */
export function awsLabels(adapter: Adapter): Labelling {
  const { calls, clock, fresh } = adapter
  const change = coalesce<TagChange, void>({
    clock,
    windowMs: batchWindowMs,
    maxItems: maxResourcesPerCall,
    keyOf: ({ set, remove }) => JSON.stringify([Object.entries(set).toSorted(([a], [b]) => (a < b ? -1 : 1)), remove.toSorted()]),
    isolates: isBadMember,
    async run(changes) {
      const [{ set, remove } = { set: {}, remove: [] }] = changes
      const resources = [...new Set(changes.map(({ nativeId }) => nativeId))]
      if (Object.keys(set).length > 0) await calls.createTags({ Resources: resources, Tags: writeTags(set) })
      if (remove.length > 0) await calls.deleteTags({ Resources: resources, Tags: remove.map((Key) => ({ Key })) })
      return changes.map(() => undefined)
    },
  })

  const tag: Labelling['tag'] = async (refs, tags, context) => {
    const set = Object.fromEntries(Object.entries(tags).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
    const remove = Object.keys(tags).filter((key) => tags[key] === undefined)
    for (const chunk of chunksOf(refs, maxResourcesPerCall)) {
      await Promise.all(
        chunk.map(({ nativeId }) =>
          fresh.patiently([nativeId], () => change({ nativeId, set, remove }, isUrgent(context)).then(() => true), context.signal),
        ),
      )
    }
  }
  return {
    tag,
    // EC2 shows the tag `Name` as an instance's name; it has no other.
    rename: (ref, name, context) => tag([ref], { Name: name }, context),
    async setProtection(ref, { terminate }, context) {
      const attempt = () =>
        calls.modifyInstanceAttribute({ InstanceId: ref.nativeId, DisableApiTermination: { Value: terminate } }, context.signal).then(() => true)
      const look = async () => {
        const answer = await calls.describeInstanceAttribute({ InstanceId: ref.nativeId, Attribute: 'disableApiTermination' })
        return answer.DisableApiTermination?.Value === terminate ? true : undefined
      }
      const once = () => lookBeforeRepeating(adapter, { attempt, look, signal: context.signal })
      await fresh.patiently([ref.nativeId], once, context.signal)
    },
  }
}
