import { now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import { abilitiesOf } from '../cloud/abilities.ts'
import type { Control } from '../context.ts'
import { AppError, notFound } from '@understudy/core'
import type { Resource, Tier } from '../resources/resource.ts'
import { checkTier } from './tier.gate.ts'

/** Promises shadows for a resource. The reconciler makes them exist; this only records the promise. */
export async function protectResource(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number; readonly tier: Tier },
): Promise<Resource> {
  requireRole(principal, 'operator')
  const resource = await control.database.stores.resources.find(principal.projectId, input.id)
  if (!resource) throw notFound('resource')
  const account = await control.database.stores.accounts.findById(resource.accountId)
  if (!account) throw notFound('account')
  const provider = await control.providers.open(account)
  checkTier(input.tier, resource, abilitiesOf(provider))
  const status = resource.status === 'unprotected' ? 'degraded' : resource.status
  return changeProtection(control, principal, { ...resource, tier: input.tier, status }, input.seenVersion, 'protected')
}

/** Takes the promise back: its shadows are retired by the reconciler. */
export async function unprotectResource(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<Resource> {
  requireRole(principal, 'operator')
  const resource = await control.database.stores.resources.find(principal.projectId, input.id)
  if (!resource) throw notFound('resource')
  if (resource.status === 'failing-over') {
    throw new AppError('busy', 'A failover of this resource is under way. Wait for its operation to finish, then repeat.')
  }
  return changeProtection(control, principal, { ...resource, tier: undefined, status: 'unprotected' }, input.seenVersion, 'unprotected')
}

async function changeProtection(
  control: Control,
  principal: Principal,
  changed: Resource,
  seenVersion: number,
  verb: 'protected' | 'unprotected',
): Promise<Resource> {
  const at = now(control.clock)
  const resource: Resource = { ...changed, updatedAt: at, version: seenVersion + 1 }
  await control.database.transaction(async (stores) => {
    await stores.resources.update(resource, seenVersion)
    await stores.events.append([
      {
        id: control.ids.next('event'),
        projectId: resource.projectId,
        type: `io.understudy.resources.${verb}.v1`,
        subject: `resources/${resource.id}`,
        at,
        data: { id: resource.id, tier: resource.tier === undefined ? null : { ...resource.tier, instanceType: resource.tier.instanceType ?? null } },
      },
    ])
    await stores.outbox.append([
      { id: control.ids.next('event'), topic: 'reconcile.wake', key: 'shadows', payload: { name: 'shadows' }, priority: 20, createdAt: at },
    ])
    await stores.audit.append([
      {
        projectId: resource.projectId,
        at,
        actor: actorOf(principal),
        action: `resources.${verb}`,
        target: resource.id,
        details: { tier: resource.tier === undefined ? null : { ...resource.tier, instanceType: resource.tier.instanceType ?? null } },
      },
    ])
  })
  return resource
}
