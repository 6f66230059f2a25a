import { now } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import { awaitOperation } from '../cloud/await-operation.ts'
import { carriesTraffic, healthOf } from '../cloud/health.ts'
import type { SagaDeps } from '../context.ts'
import type { StandIn } from './failover.ts'
import { failoverWorld, refOf, standInAt, urgent } from './failover.world.ts'
import type { FailoverStep } from './failover.world.ts'
import { moveTraffic, returnTraffic } from './move-traffic.ts'
import { launchAt, removeReplacement, shadowIdOf } from './place-replacement.ts'

/**
 * Brings the stand-in to the size of the primary. Where the cloud resizes a running instance, in place. Where it has to stop
 * for that (and would drop the traffic it has just taken), a full-size sibling is launched beside it, takes the traffic over
 * and becomes the stand-in; the small one stays a shadow.
 * Failing here never undoes the failover: a small instance that serves is better than none, and the note says so.
 */
export async function growStandIn(
  deps: SagaDeps,
  step: FailoverStep,
  standIn: StandIn,
  wantedType: string,
): Promise<{ readonly grown: StandIn | null; readonly how: string }> {
  if (standIn.instanceType === wantedType) return { grown: null, how: 'it has the size of the primary' }
  const world = await failoverWorld(deps, step)
  const { provider } = world
  if ((await standInAt(deps, world, step, standIn)).isElsewhere)
    return { grown: null, how: 'in another account it has the size that its owner has given it' }
  try {
    if (provider.traits.resize.supported && provider.traits.resize.requires === 'none') {
      await step.audit({ action: 'compute.resize', target: standIn.nativeId, details: { to: wantedType } })
      await awaitOperation(
        deps,
        provider,
        await provider.compute.resize(refOf(provider, standIn), { instanceType: wantedType }, urgent(deps, step, { suffix: 'resize' })),
        step.signal,
      )
      return { grown: { ...standIn, instanceType: wantedType }, how: 'resized in place' }
    }
    return { grown: await handOverToSibling(deps, step, standIn, wantedType), how: 'a full-size sibling took over' }
  } catch (error) {
    // A launch whose answer was lost is asked for again under the same key; giving up now might leave it behind.
    if (step.signal.aborted || (isProviderError(error) && error.shape.retryable)) throw error
    await step.note(`The stand-in stays at ${standIn.instanceType}: ${error instanceof Error ? error.message : 'growing failed'}`)
    await shrinkStandIn(deps, step, standIn)
    return { grown: null, how: 'growing failed; it serves at its own size' }
  }
}

async function handOverToSibling(deps: SagaDeps, step: FailoverStep, standIn: StandIn, instanceType: string): Promise<StandIn> {
  const { resource, provider } = await failoverWorld(deps, step)
  // The small one has the same boot data, and exists for certain.
  const source = (await provider.inventory.describe(refOf(provider, standIn))) ?? resource.dna
  const placement = { zone: standIn.zone, instanceType, purchase: standIn.purchase } as const
  const made = await launchAt(deps, step, { provider, resource, source, placement, set: undefined })
  const sibling: StandIn = { shadowId: shadowIdOf(step), nativeId: made.nativeId, ...placement }
  await moveTraffic(deps, step, sibling)
  await deps.database.stores.shadows.move(standIn.shadowId, { from: ['reserved'], to: 'unproven', operationId: null, at: now(deps.clock) })
  return sibling
}

/**
 * Ends a full-size sibling again. Its traffic goes first: to the small one it has taken it from, or else to the primary. When
 * neither can take it, `removeReplacement` leaves the sibling where it is.
 */
export async function shrinkStandIn(deps: SagaDeps, step: FailoverStep, small: StandIn | null): Promise<void> {
  const { provider, binding } = await failoverWorld(deps, step)
  const { traffic } = provider
  const { shadows } = deps.database.stores
  const sibling = await shadows.findById(shadowIdOf(step))
  if (binding && traffic && sibling?.nativeId !== undefined && (await carriesTraffic(provider, binding, sibling.nativeId))) {
    if (small && (await healthOf(traffic, binding, small.nativeId)) === 'healthy') {
      await shadows.move(small.shadowId, { from: ['unproven'], to: 'reserved', operationId: step.operationId, at: now(deps.clock) })
      await step.audit({ action: 'traffic.setWeights', target: small.nativeId, details: { from: sibling.nativeId, to: small.nativeId } })
      const siblingRef = refOf(provider, { nativeId: sibling.nativeId })
      const weights = [
        { ref: refOf(provider, small), weight: 100 },
        { ref: siblingRef, weight: 0 },
      ]
      await traffic.setWeights(binding, weights, urgent(deps, step, { suffix: 'shrink' }))
    } else {
      await returnTraffic(deps, step)
    }
  }
  await removeReplacement(deps, step)
}
