import { now } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { InstanceRef, Provider } from '@understudy/provider'
import type { MemberHealth } from '@understudy/provider'
import { awaitCondition } from '../cloud/await-operation.ts'
import { awaitHealthy, carriesTraffic, healthOf, isWatched, memberOf } from '../cloud/health.ts'
import { ensureResting, ensureRunning } from '../cloud/ensure-running.ts'
import type { SagaDeps } from '../context.ts'
import { rememberAvoided } from '../placement/remember-avoided.ts'
import { isArmed } from './failover.ts'
import type { StandIn } from './failover.ts'
import { failoverWorld, refOf, standInAt, stillRuns, urgent } from './failover.world.ts'
import type { FailoverStep } from './failover.world.ts'

/** Sends every new request to the stand-in: raises it before it lowers the primary. */
export async function moveTraffic(deps: SagaDeps, step: FailoverStep, standIn: StandIn): Promise<{ readonly moved: boolean; readonly atMs: number }> {
  const world = await failoverWorld(deps, step)
  const { provider, primary, binding } = world
  const { traffic } = provider
  const { ref } = await standInAt(deps, world, step, standIn)
  const healthy = binding && traffic ? (await healthOf(traffic, binding, ref.nativeId)) === 'healthy' : false
  // Whoever is healthy runs. Anybody else may have been stopped since it was proven.
  if (!healthy) await startStandIn(deps, step, standIn)
  if (!binding || !traffic) return { moved: false, atMs: deps.clock.nowMs() }
  if (!healthy) {
    await step.audit({ action: 'traffic.enrol', target: ref.nativeId })
    await traffic.enrol(binding, ref, urgent(deps, step, { suffix: 'enrol', role: 'shadow', shadowId: standIn.shadowId }))
    if (isWatched(traffic, binding)) await awaitHealthy(deps, provider, binding, ref, step.signal)
  }
  await step.audit({ action: 'traffic.setWeights', target: ref.nativeId, details: { from: primary.nativeId, to: ref.nativeId } })
  const weights = [
    { ref, weight: 100 },
    { ref: primary, weight: 0 },
  ]
  await awaitCondition(deps, step.signal, async () => {
    try {
      await traffic.setWeights(binding, weights, urgent(deps, step, { suffix: 'shift' }))
      return true
    } catch (error) {
      // Not yet healthy in the eyes of the entry point, taken out by another change of it, or changed by somebody else between
      // its read and its write: all of these pass.
      if (!isProviderError(error, 'conflict')) throw error
      await traffic.enrol(binding, ref, urgent(deps, step, { suffix: 'enrol', role: 'shadow', shadowId: standIn.shadowId }))
      return undefined
    }
  })
  return { moved: true, atMs: deps.clock.nowMs() }
}

/** How long a primary that shall have its traffic back may take to be healthy in the eyes of the load balancer. */
const primaryHealthyMaxMs = 60_000

/** Gives the traffic back to the primary, if it can serve it. Otherwise it stays where it is served. */
export async function returnTraffic(deps: SagaDeps, step: FailoverStep): Promise<void> {
  const { provider, primary, binding } = await failoverWorld(deps, step)
  const { traffic } = provider
  if (!binding || !traffic) return
  const members = await traffic.state(binding)
  // Not by who else has it: whoever had it may be gone, and then nobody would be asked to take it back.
  if (memberOf(members, primary.nativeId)?.weight === 100) return
  const others = members.filter((member) => member.weight > 0 && member.nativeId !== primary.nativeId)
  if (!(await stillRuns(provider, primary))) {
    await step.note('The primary is gone: the traffic stays with the stand-in.')
    return
  }
  if (!(await isPrimaryHealthy(deps, step)) && others.some((member) => member.health === 'healthy')) {
    await step.note('The primary is not healthy: the traffic stays with the stand-in.')
    return
  }
  await step.audit({ action: 'traffic.setWeights', target: primary.nativeId, details: { to: primary.nativeId } })
  await traffic.setWeights(
    binding,
    [{ ref: primary, weight: 100 }, ...others.map(({ nativeId }) => ({ ref: refOf(provider, { nativeId }), weight: 0 }))],
    urgent(deps, step, { suffix: 'return' }),
  )
}

/** A stand-in that shared the target group of the primary has pushed it out of there: it joins again before it is judged. */
async function isPrimaryHealthy(deps: SagaDeps, step: FailoverStep): Promise<boolean> {
  const { provider, primary, binding } = await failoverWorld(deps, step)
  const { traffic } = provider
  if (!binding || !traffic || !isWatched(traffic, binding)) return true
  const health = async (): Promise<MemberHealth | undefined> => healthOf(traffic, binding, primary.nativeId)
  const found = await health()
  if (found === 'healthy') return true
  if (found === undefined || found === 'unused' || found === 'draining') {
    await step.audit({ action: 'traffic.enrol', target: primary.nativeId })
    await traffic.enrol(binding, primary, urgent(deps, step, { suffix: 'rejoin', role: 'primary' }))
  }
  const untilMs = deps.clock.nowMs() + primaryHealthyMaxMs
  return awaitCondition(deps, step.signal, async () => {
    if ((await health()) === 'healthy') return true
    return deps.clock.nowMs() >= untilMs ? false : undefined
  })
}

/**
 * Starts a resting stand-in. One that cannot be started (no capacity, or it is gone) is marked as failed before this failover is
 * undone, so that the next attempt takes another one, or launches a replacement.
 */
export async function startStandIn(deps: SagaDeps, step: FailoverStep, standIn: StandIn): Promise<{ readonly started: boolean }> {
  const { host, ref, accountId } = await standInAt(deps, await failoverWorld(deps, step), step, standIn)
  await step.audit({ action: 'compute.start', target: standIn.nativeId })
  try {
    return await ensureRunning(deps, host, ref, urgent(deps, step, { suffix: 'start', role: 'shadow', shadowId: standIn.shadowId }))
  } catch (error) {
    if (isProviderError(error) && !error.shape.retryable) {
      await rememberAvoided(deps, accountId, error)
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

/**
 * Puts a parked stand-in to rest again, as it was found, whether or not the step that starts it ever said that it did. One that
 * is armed, that somebody else has taken, or that has the traffic because the primary is gone, goes on running.
 */
export async function restStandIn(deps: SagaDeps, step: FailoverStep, standIn: StandIn | null): Promise<void> {
  if (!standIn) return
  const world = await failoverWorld(deps, step)
  const { resource, provider, binding } = world
  const shadow = await deps.database.stores.shadows.findById(standIn.shadowId)
  if (shadow?.readiness !== 'parked' || shadow.operationId !== step.operationId || isArmed(shadow, deps.clock.nowMs())) return
  const { host, ref, isElsewhere } = await standInAt(deps, world, step, standIn)
  if (await carriesTraffic(provider, binding, ref.nativeId)) return
  if (binding && provider.traffic) {
    await step.audit({ action: 'traffic.remove', target: ref.nativeId })
    await provider.traffic.remove(binding, ref, urgent(deps, step, { suffix: 'leave' }))
  }
  const hold = resource.tier?.holdMemory === true && !isElsewhere
  await step.audit({ action: hold ? 'compute.hold' : 'compute.stop', target: ref.nativeId })
  await ensureResting(deps, host, ref, hold, urgent(deps, step, { suffix: 'rest' }))
}

/** Consecutive good looks before a stand-in counts as stable. */
const goodLooks = 3

/** Waits until the stand-in has all the traffic and has been healthy several looks in a row. */
export async function awaitStable(deps: SagaDeps, step: FailoverStep, standIn: StandIn): Promise<{ readonly looks: number }> {
  const world = await failoverWorld(deps, step)
  const { provider, binding } = world
  const { host, ref } = await standInAt(deps, world, step, standIn)
  let good = 0
  let looks = 0
  await awaitCondition(deps, step.signal, async () => {
    looks += 1
    const fine =
      binding && provider.traffic
        ? isServing(await provider.traffic.state(binding), standIn.nativeId, isWatched(provider.traffic, binding))
        : await stillRuns(host, ref)
    good = fine ? good + 1 : 0
    // Waiting on for one that is gone would leave the service without anybody, while the primary may still be there.
    if (!fine) await requireAlive(host, ref)
    return good >= goodLooks ? true : undefined
  })
  return { looks }
}

async function requireAlive(provider: Provider, ref: InstanceRef): Promise<void> {
  const state = (await provider.inventory.states([ref])).get(ref.nativeId)?.state
  if (state === 'running' || state === 'provisioning' || state === 'unknown') return
  throw providerError('not_found', 'StandInLost', `the stand-in ${ref.nativeId} is ${state ?? 'gone'}`)
}

function isServing(members: Parameters<typeof memberOf>[0], nativeId: string, watched: boolean): boolean {
  const member = memberOf(members, nativeId)
  return member?.weight === 100 && (member.health === 'healthy' || !watched)
}
