import type { CallContext, Labelling } from '@understudy/provider'
import type { SimAdapter } from './adapter.ts'

const resourcesPerCallMax = 200

export function simLabels(adapter: SimAdapter): Labelling {
  const { dc } = adapter
  const change = async (operation: string, ids: readonly string[], effect: (ids: readonly string[]) => void, context: CallContext): Promise<void> => {
    for (let from = 0; from < ids.length; from += resourcesPerCallMax) {
      const chunk = ids.slice(from, from + resourcesPerCallMax)
      const attempt = () => adapter.call(operation, () => effect(chunk), { effect: 'repeatable' }, context.signal).then(() => true)
      await adapter.patiently(chunk, attempt, context.signal)
    }
  }
  const tag: Labelling['tag'] = async (refs, tags, context) => {
    const ids = [...new Set(refs.map((ref) => ref.nativeId))]
    const set = Object.fromEntries(Object.entries(tags).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
    const removed = Object.fromEntries(Object.entries(tags).filter(([, value]) => value === undefined))
    if (Object.keys(set).length > 0) await change('CreateTags', ids, (chunk) => dc.tags.create(chunk, set), context)
    if (Object.keys(removed).length > 0) await change('DeleteTags', ids, (chunk) => dc.tags.delete(chunk, removed), context)
  }
  return {
    tag,
    // The tag `Name` is shown as an instance's name; there is no other.
    rename: (ref, name, context) => tag([ref], { Name: name }, context),
    async setProtection(ref, { terminate }, context) {
      const protect = (): void => dc.instances.modifyAttribute(ref.nativeId, { attribute: 'disableApiTermination', value: terminate })
      await change('ModifyInstanceAttribute', [ref.nativeId], protect, context)
    },
  }
}
