import { now } from '@understudy/core'
import type { Control } from '../../context.ts'
import { wakeReconciler } from '../../reconcilers/wake-reconciler.ts'
import type { Resource, Tier } from '../../resources/resource.ts'
import { swapOrRepeat } from '../../seen-version.ts'
import type { TransitionRule } from '../policies/policy.ts'
import type { Transition } from './transition.ts'

/** What is lent for the time of a transition. Another zone is another host in any case. */
const lent = (zones: Tier['zones']): Tier => ({
  ...{ shadows: 1, readiness: 'hot', instanceType: undefined, purchase: 'on-demand', holdMemory: false, formerPrimary: 'standby' },
  ...{ zones, proofMaxAgeSeconds: 86_400 },
})

/** For a resource without a tier, where its policy wants a shadow for the time of a transition. */
export function tierToLend(resource: Resource, rule: TransitionRule | undefined): Tier | undefined {
  if (rule?.shadow === undefined || rule.shadow === 'none' || resource.tier !== undefined || resource.traffic === undefined) return undefined
  return lent(rule.shadow === 'separate' ? 'other' : 'any')
}

/** A person may have given the resource a tier meanwhile: that one is theirs. */
function isLent(tier: Tier): boolean {
  const wanted: Record<string, unknown> = { ...lent(tier.zones) }
  const given: Record<string, unknown> = { ...tier }
  return [...new Set([...Object.keys(wanted), ...Object.keys(given)])].every((key) => wanted[key] === given[key])
}

/**
 * Takes back the tier that was lent for a transition which is over; its shadows are then ended, as those of any tier that is taken away. One
 * that is near takes the loan over. Waits while a failover needs the shadow. Answers whether anything was done.
 */
export async function takeTierBack(control: Control, transition: Transition, resource: Resource | undefined): Promise<boolean> {
  if (!transition.lentTier || resource?.status === 'failing-over') return false
  await control.database.transaction(async (stores) => {
    const page = { after: undefined, limit: 1, resourceId: transition.resourceId }
    const [heir] = [
      ...(await stores.transitions.list(transition.projectId, { ...page, status: 'prepared' })),
      ...(await stores.transitions.list(transition.projectId, { ...page, status: 'started' })),
    ]
    if (heir !== undefined) await swapOrRepeat(stores.transitions.update({ ...heir, lentTier: true }, heir.version))
    else if (resource?.tier !== undefined && isLent(resource.tier)) {
      const bare = { ...resource, tier: undefined, status: 'unprotected', updatedAt: now(control.clock) } as const
      await swapOrRepeat(stores.resources.update(bare, resource.version))
      await stores.outbox.append([wakeReconciler(control, 'shadows')])
    }
    await swapOrRepeat(stores.transitions.update({ ...transition, lentTier: false }, transition.version))
  })
  return true
}
