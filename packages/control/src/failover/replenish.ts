import { now, ownTags } from '@understudy/core'
import type { SagaDeps } from '../context.ts'
import { holdsAfterPromotion, hostGroupOf } from '../placement/hosts.ts'
import { fingerprintOfPlace, placeIn } from '../resources/elsewhere.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { newShadow } from '../shadows/shadow.ts'
import { failoverWorld, formerAccountOf, urgent } from './failover.world.ts'
import type { FailoverStep } from './failover.world.ts'
import { wakeReconciler } from '../reconcilers/wake-reconciler.ts'

/** Gives the resource its new standing, keeps a surviving former primary as a stand-in, and has the missing shadows made. */
export async function replenish(
  deps: SagaDeps,
  step: FailoverStep,
  former: {
    readonly fate: 'gone' | 'terminated' | 'kept' | 'held'
    readonly zone: string | null
    readonly instanceType: string
    /** The shadow that is the primary now. */
    readonly promotedId: string | undefined
  },
): Promise<{ readonly formerPrimary: string }> {
  const { resource, provider, primary } = await failoverWorld(deps, step)
  const accountId = formerAccountOf(step, resource)
  const place = accountId === resource.accountId ? undefined : placeIn(resource, accountId)
  const at = now(deps.clock)
  const formerShadowId = `shd_${step.key('former').slice(0, 20)}`
  if (former.fate === 'kept') {
    const tags = { [ownTags.role]: 'shadow', [ownTags.shadow]: formerShadowId }
    await step.audit({ action: 'labels.tag', target: primary.nativeId, details: tags })
    await provider.labels.tag([primary], tags, urgent(deps, step, { suffix: 'kept' }))
    await step.audit({ action: 'labels.rename', target: primary.nativeId, details: { name: `${resource.name}-shadow` } })
    await provider.labels.rename(primary, `${resource.name}-shadow`, urgent(deps, step, { suffix: 'kept-name' }))
  }
  const promoted = former.promotedId === undefined ? undefined : await deps.database.stores.shadows.findById(former.promotedId)
  await deps.database.transaction(async (stores) => {
    if (former.fate === 'kept' && (await stores.shadows.findById(formerShadowId)) === undefined) {
      await swapOrRepeat(
        stores.shadows.insert({
          id: formerShadowId,
          projectId: resource.projectId,
          resourceId: resource.id,
          accountId,
          status: 'unproven',
          nativeId: step.params.primary,
          zone: former.zone ?? '',
          instanceType: former.instanceType,
          // Elsewhere it stands for what the tier promises there, of which it is the original.
          purchase: place?.purchase ?? resource.dna.purchase,
          readiness: 'hot',
          // Two that are on one group, or apart, are so in both directions.
          hosts: accountId === promoted?.accountId ? promoted.hosts : undefined,
          dnaFingerprint: place === undefined ? resource.dna.fingerprint : fingerprintOfPlace(place),
          dataAsOf: at,
          ...newShadow(at),
        }),
      )
    }
    // What the others have proven was about the former primary, and the entry point may have let go of them: their drills are due.
    for (const shadow of await stores.shadows.listAlive([resource.id])) {
      if (shadow.id !== formerShadowId && !holdsAfterPromotion(shadow.hosts, hostGroupOf(resource)))
        await swapOrRepeat(stores.shadows.update({ ...shadow, hosts: undefined }, shadow.version))
      await stores.shadows.move(shadow.id, { from: shadow.snapshotSetId === undefined ? ['ready'] : [], to: 'unproven', at })
    }
    await stores.resources.setStatus(resource.id, resource.tier ? 'degraded' : 'unprotected', at)
    await stores.outbox.append([wakeReconciler(deps, 'shadows')])
  })
  return { formerPrimary: former.fate }
}
