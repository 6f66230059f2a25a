import { AppError, notFound } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import type { Stores } from '../database.ts'
import { recordChange } from '../journal/record-change.ts'
import { requireSeenVersion } from '../seen-version.ts'
import type { Resource } from './resource.ts'

/**
 * Forgets a resource. Its instance keeps running, with our tags on it. `conflict` while it is protected or shadows of it still
 * exist, `busy` while an operation works on it.
 */
export async function deleteResource(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<void> {
  requireRole(principal, 'operator')
  await control.database.transaction(async (stores) => {
    const resource = await stores.resources.find(principal.projectId, input.id)
    if (resource === undefined) throw notFound('resource')
    requireSeenVersion(resource, input.seenVersion)
    await requireForgettable(stores, resource)
    await stores.resources.delete(principal.projectId, resource.id)
    await recordChange(control, stores, {
      projectId: resource.projectId,
      actor: actorOf(principal),
      what: 'resources.deleted',
      subject: `resources/${resource.id}`,
      data: { name: resource.name, nativeId: resource.nativeId },
    })
  })
}

async function requireForgettable(stores: Stores, resource: Resource): Promise<void> {
  if (resource.tier !== undefined) throw new AppError('conflict', 'The resource is protected. Unprotect it first; its shadows are then ended.')
  const [operation] = await stores.operations.listUnfinished({ resourceIds: [resource.id], limit: 1 })
  if (operation !== undefined) {
    throw new AppError('busy', `The operation ${operation.id} works on this resource. Wait for it to end, or cancel it.`, {
      details: { operationId: operation.id },
    })
  }
  const page = { after: undefined, limit: 1, resourceId: resource.id }
  const [alive] = await stores.shadows.listAlive([resource.id])
  const [leaving] = alive === undefined ? await stores.shadows.list(resource.projectId, { ...page, status: 'retiring' }) : [alive]
  if (leaving !== undefined) {
    throw new AppError('conflict', `Its shadow ${leaving.id} still exists. Wait until it is ended.`, { details: { shadowId: leaving.id } })
  }
}
