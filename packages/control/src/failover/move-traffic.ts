import { now } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import { awaitCondition } from '../cloud/await-operation.ts'
import { awaitHealthy, memberOf } from '../cloud/health.ts'
import { ensureRunning } from '../cloud/ensure-running.ts'
import type { SagaDeps } from '../context.ts'
import { rememberAvoided } from '../placement/remember-avoided.ts'
import type { StandIn } from './failover.ts'
import { failoverWorld, refOf, stillRuns, urgent } from './failover.world.ts'
import type { FailoverStep } from './failover.world.ts'

/** Sends every new request to the stand-in: raises it before it lowers the primary. */
export async function moveTraffic(deps: SagaDeps, step: FailoverStep, standIn: StandIn): Promise<{ readonly moved: boolean; readonly atMs: number }> {
  const { provider, primary, binding } = await failoverWorld(deps, step)
  const { traffic } = provider
  if (!binding || !traffic) return { moved: false, atMs: deps.clock.nowMs() }
  const ref = refOf(provider, standIn)
  const healthy = memberOf(await traffic.state(binding), ref.nativeId)?.health === 'healthy'
  if (!healthy) {
    await step.audit({ action: 'traffic.enrol', target: ref.nativeId })
    await traffic.enrol(binding, ref, urgent(deps, step, { suffix: 'enrol', role: 'shadow', shadowId: standIn.shadowId }))
    if (binding.mechanism !== 'address-move') await awaitHealthy(deps, provider, binding, ref, step.signal)
  }
  await step.audit({ action: 'traffic.setWeights', target: ref.nativeId, details: { from: primary.nativeId, to: ref.nativeId } })
  await traffic.setWeights(
    binding,
    [
      { ref, weight: 100 },
      { ref: primary, weight: 0 },
    ],
    urgent(deps, step, { suffix: 'shift' }),
  )
  return { moved: true, atMs: deps.clock.nowMs() }
}

/** Gives the traffic back to the primary, if there still is one. Otherwise it stays where it can be served. */
export async function returnTraffic(deps: SagaDeps, step: FailoverStep, standIn: StandIn | null): Promise<void> {
  const { provider, primary, binding } = await failoverWorld(deps, step)
  const { traffic } = provider
  if (!binding || !traffic || !standIn) return
  const member = memberOf(await traffic.state(binding), standIn.nativeId)
  if (member === undefined || member.weight === 0) return
  if (!(await stillRuns(provider, primary))) {
    await step.note('The primary is gone: the traffic stays with the stand-in.')
    return
  }
  await step.audit({ action: 'traffic.setWeights', target: primary.nativeId, details: { from: standIn.nativeId, to: primary.nativeId } })
  await traffic.setWeights(
    binding,
    [
      { ref: primary, weight: 100 },
      { ref: refOf(provider, standIn), weight: 0 },
    ],
    urgent(deps, step, { suffix: 'return' }),
  )
}

/**
 * Starts a resting stand-in. One that cannot be started (no capacity, or it is gone) is marked as failed before this failover is
 * undone, so that the next attempt takes another one, or launches a replacement.
 */
export async function startStandIn(deps: SagaDeps, step: FailoverStep, standIn: StandIn): Promise<{ readonly started: boolean }> {
  const { provider } = await failoverWorld(deps, step)
  await step.audit({ action: 'compute.start', target: standIn.nativeId })
  try {
    return await ensureRunning(
      deps,
      provider,
      refOf(provider, standIn),
      urgent(deps, step, { suffix: 'start', role: 'shadow', shadowId: standIn.shadowId }),
    )
  } catch (error) {
    if (isProviderError(error) && !error.shape.retryable) {
      await rememberAvoided(deps, (await failoverWorld(deps, step)).resource.accountId, error)
      await deps.database.stores.shadows.move(standIn.shadowId, {
        from: ['reserved'],
        to: 'failed',
        operationId: null,
        lastError: error.message,
        at: now(deps.clock),
      })
    }
    throw error
  }
}

/** Puts it to rest again, when this failover had to start it. */
export async function restStandIn(deps: SagaDeps, step: FailoverStep, standIn: StandIn | null, started: boolean): Promise<void> {
  if (!standIn || !started) return
  const { provider } = await failoverWorld(deps, step)
  await step.audit({ action: 'compute.stop', target: standIn.nativeId })
  await provider.compute.stop(refOf(provider, standIn), {}, urgent(deps, step, { suffix: 'rest' }))
}

/** Consecutive good looks before a stand-in counts as stable. */
const goodLooks = 3

/** Waits until the stand-in has all the traffic and has been healthy several looks in a row. */
export async function awaitStable(deps: SagaDeps, step: FailoverStep, standIn: StandIn): Promise<{ readonly looks: number }> {
  const { provider, binding } = await failoverWorld(deps, step)
  let good = 0
  let looks = 0
  await awaitCondition(deps, step.signal, async () => {
    looks += 1
    const fine =
      binding && provider.traffic
        ? isServing(await provider.traffic.state(binding), standIn.nativeId, binding.mechanism)
        : await stillRuns(provider, refOf(provider, standIn))
    good = fine ? good + 1 : 0
    return good >= goodLooks ? true : undefined
  })
  return { looks }
}

function isServing(members: Parameters<typeof memberOf>[0], nativeId: string, mechanism: string): boolean {
  const member = memberOf(members, nativeId)
  return member?.weight === 100 && (member.health === 'healthy' || mechanism === 'address-move')
}
