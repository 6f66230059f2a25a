import { AppError, notFound, now } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import { reach } from '../cloud/reach.ts'
import type { Control } from '../context.ts'
import type { Resource } from '../resources/resource.ts'
import { checkElsewhere } from './elsewhere.gate.ts'
import { checkAccounts, checkCatalogues, keepBootData, withoutSecrets } from './promise-elsewhere.ts'
import type { GivenBootData, TierRequest } from './promise-elsewhere.ts'
import { checkTier } from './tier.gate.ts'
import { wakeReconciler } from '../reconcilers/wake-reconciler.ts'

/** Promises shadows for a resource. The reconciler makes them exist; this only records the promise. */
export async function protectResource(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number; readonly tier: TierRequest },
): Promise<Resource> {
  requireRole(principal, 'operator')
  const resource = await control.database.stores.resources.find(principal.projectId, input.id)
  if (!resource) throw notFound('resource')
  const { tier, given } = withoutSecrets(input.tier, resource)
  await checkAccounts(control, principal, tier)
  const { cloud, clouds } = await reach(control, resource, tier.elsewhere ?? [])
  checkTier(tier, resource, cloud)
  checkElsewhere(tier, resource, { cloud, clouds })
  await checkCatalogues(control, principal, tier)
  const status = resource.status === 'unprotected' ? 'degraded' : resource.status
  return changeProtection(control, principal, { ...resource, tier, status }, input.seenVersion, { verb: 'protected', given })
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
  return changeProtection(control, principal, { ...resource, tier: undefined, status: 'unprotected' }, input.seenVersion, {
    verb: 'unprotected',
    given: new Map(),
  })
}

async function changeProtection(
  control: Control,
  principal: Principal,
  changed: Resource,
  seenVersion: number,
  { verb, given }: { readonly verb: 'protected' | 'unprotected'; readonly given: GivenBootData },
): Promise<Resource> {
  const at = now(control.clock)
  // Plain data, without secrets.
  const tier = changed.tier === undefined ? null : ({ ...changed.tier, instanceType: changed.tier.instanceType ?? null } as unknown as JsonObject)
  const resource: Resource = { ...changed, updatedAt: at, version: seenVersion + 1 }
  await control.database.transaction(async (stores) => {
    await stores.resources.update(resource, seenVersion)
    await keepBootData(control, stores, resource, given)
    await stores.events.append([
      {
        id: control.ids.next('event'),
        projectId: resource.projectId,
        type: `io.understudy.resources.${verb}.v1`,
        subject: `resources/${resource.id}`,
        at,
        data: { id: resource.id, tier },
      },
    ])
    await stores.outbox.append([wakeReconciler(control, 'shadows')])
    await stores.audit.append([
      {
        projectId: resource.projectId,
        at,
        actor: actorOf(principal),
        action: `resources.${verb}`,
        target: resource.id,
        details: { tier },
      },
    ])
  })
  return resource
}
