import { now } from '@understudy/core'
import type { Abilities } from '../../cloud/abilities.ts'
import type { Control } from '../../context.ts'
import { hostGroupOf } from '../../placement/hosts.ts'
import { wakeReconciler } from '../../reconcilers/wake-reconciler.ts'
import type { Resource, Tier } from '../../resources/resource.ts'
import { swapOrRepeat } from '../../seen-version.ts'
import { hostFaults } from '../../shadows/hosts.gate.ts'
import type { TransitionRule } from '../policies/policy.ts'
import type { Transition } from './transition.ts'

/** What is lent for the time of a transition. Another zone is another host in any case. */
const lent = ({ zones, hosts }: Pick<Tier, 'zones' | 'hosts'>): Tier => ({
  ...{ shadows: 1, readiness: 'hot', instanceType: undefined, purchase: 'on-demand', holdMemory: false, formerPrimary: 'standby' },
  ...{ zones, proofMaxAgeSeconds: 86_400 },
  ...(hosts === undefined ? {} : { hosts }),
})

/** Of a resource that is bound to a group which keeps its members apart, its own zone will do as well. */
function placeOf(rule: 'same-group' | 'separate' | 'any', resource: Resource): Pick<Tier, 'zones' | 'hosts'> {
  if (rule === 'same-group') return { zones: 'any', hosts: rule }
  if (rule === 'any') return { zones: 'any' }
  return hostGroupOf(resource)?.separable === true ? { zones: 'any', hosts: rule } : { zones: 'other' }
}

/**
 * For a resource without a tier, where its policy wants a shadow for the time of a transition; `refused` where its hosts cannot be had as
 * the policy says, which is told, and not made up for by another place.
 */
export function tierToLend(
  resource: Resource,
  rule: TransitionRule | undefined,
  cloud: Abilities | undefined,
): { readonly tier?: Tier; readonly refused?: string } {
  if (rule?.shadow === undefined || rule.shadow === 'none' || resource.tier !== undefined || resource.traffic === undefined) return {}
  const tier = lent(placeOf(rule.shadow, resource))
  const [fault] = cloud === undefined ? [] : hostFaults(tier, resource, cloud)
  return fault === undefined ? { tier } : { refused: fault.message }
}

/** A person may have given the resource a tier meanwhile: that one is theirs. */
function isLent(tier: Tier): boolean {
  const wanted: Record<string, unknown> = { ...lent(tier) }
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
