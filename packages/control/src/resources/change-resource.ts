import { notFound, now } from '@understudy/core'
import type { Json } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { requireSeenVersion, swap } from '../seen-version.ts'
import type { Resource } from './resource.ts'

/** One change of a resource that the caller has read: with its version, its audit row and its event, or not at all. */
export async function changeResource(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
  describe: (
    before: Resource,
    at: Date,
  ) => { readonly what: `resources.${string}`; readonly change: Partial<Resource>; readonly data: { readonly [key: string]: Json | undefined } },
): Promise<Resource> {
  return control.database.transaction(async (stores) => {
    const before = await stores.resources.find(principal.projectId, input.id)
    if (before === undefined) throw notFound('resource')
    requireSeenVersion(before, input.seenVersion)
    const at = now(control.clock)
    const { what, change, data } = describe(before, at)
    const resource: Resource = { ...before, ...change, updatedAt: at, version: before.version + 1 }
    await swap(stores.resources.update(resource, input.seenVersion))
    await recordChange(control, stores, { projectId: resource.projectId, actor: actorOf(principal), what, subject: `resources/${resource.id}`, data })
    return resource
  })
}
