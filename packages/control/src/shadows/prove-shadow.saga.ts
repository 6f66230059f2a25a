import { AppError, now } from '@understudy/core'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { ensureResting, ensureRunning } from '../cloud/ensure-running.ts'
import { awaitHealthy, carriesTraffic, watchesStandby } from '../cloud/health.ts'
import type { SagaDeps } from '../context.ts'
import { isArmed } from '../failover/failover.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { shadowCall, shadowWorld } from './shadow-world.ts'
import type { Shadow } from './shadow.ts'
import { wakeReconciler } from '../reconcilers/wake-reconciler.ts'

const params = z.strictObject({ shadowId: z.string() })
type Params = z.infer<typeof params>
const minute = 60_000

/**
 * A drill: shows that the shadow starts and answers, without giving it any traffic, and puts it to rest again.
 * A failover may take the shadow at any moment; every step looks whether it is still ours before it changes anything.
 */
export const proveShadowSaga = saga<SagaDeps, Params>('shadow.prove', { version: sagaVersions['shadow.prove'], params })
  .step('taken', {
    title: 'Take the shadow for a drill',
    budget: { maxMs: minute },
    run: take,
    undo: async (deps, step) => {
      await deps.database.stores.shadows.move(step.params.shadowId, {
        from: ['proving'],
        to: 'unproven',
        operationId: null,
        lastError: 'its drill failed',
        at: now(deps.clock),
      })
    },
  })
  .step('started', {
    title: 'Start it if it rests',
    budget: { maxMs: 10 * minute },
    run: async (deps, step) => {
      const { shadow, provider, ref } = await shadowWorld(deps, step.params.shadowId)
      const startedMs = deps.clock.nowMs()
      await step.audit({ action: 'compute.start', target: ref.nativeId })
      const { started } = await ensureRunning(deps, provider, ref, contextOf(deps, step, shadow, 'start'))
      // A crash may have come between the start and its record: what is parked and not armed was resting, whoever started it.
      return { wasResting: started || (shadow.readiness === 'parked' && !isArmed(shadow, startedMs)), startedMs }
    },
    undo: async (deps, step) => {
      await rest(deps, step)
    },
  })
  .step('answered', {
    title: 'See it answer health checks, with no traffic',
    budget: { maxMs: 10 * minute },
    run: async (deps, step) => {
      const { shadow, resource, provider, ref } = await shadowWorld(deps, step.params.shadowId)
      const watched = watchesStandby(provider, resource.traffic)
      if (resource.traffic && provider.traffic && watched) {
        await step.audit({ action: 'traffic.enrol', target: ref.nativeId })
        await provider.traffic.enrol(resource.traffic, ref, contextOf(deps, step, shadow, 'enrol'))
        await awaitHealthy(deps, provider, resource.traffic, ref, step.signal)
      }
      return { watched, seconds: (deps.clock.nowMs() - step.outputs.started.startedMs) / 1000 }
    },
    undo: 'nothing-to-undo',
  })
  .step('rested', {
    title: 'Put a parked shadow to rest again',
    budget: { maxMs: 10 * minute },
    run: rest,
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record the proof',
    budget: { maxMs: minute },
    run: async (deps, step) => {
      const { shadow } = await shadowWorld(deps, step.params.shadowId)
      const at = now(deps.clock)
      const method = step.outputs.started.wasResting ? 'start' : step.outputs.answered.watched ? 'health' : 'running'
      await deps.database.transaction(async (stores) => {
        await stores.shadows.setProof(shadow.id, { at, method, seconds: step.outputs.answered.seconds, operationId: step.operationId })
        await stores.shadows.move(shadow.id, { from: ['proving'], to: 'ready', operationId: null, lastError: null, at })
        await stores.events.append([
          {
            id: deps.ids.next('event'),
            projectId: shadow.projectId,
            type: 'io.understudy.shadows.proven.v1',
            subject: `shadows/${shadow.id}`,
            at,
            data: { id: shadow.id, resourceId: shadow.resourceId, method, seconds: step.outputs.answered.seconds },
          },
        ])
        await stores.outbox.append([wakeReconciler(deps, 'shadows')])
      })
      return { method, seconds: step.outputs.answered.seconds }
    },
    undo: 'nothing-to-undo',
  })
  .end()

const contextOf = (deps: SagaDeps, step: StepContext<Params, object>, shadow: Shadow, suffix: string) =>
  shadowCall(deps, step, shadow, { suffix, priority: 'background' })

async function take(deps: SagaDeps, step: StepContext<Params, object>): Promise<{ readonly nativeId: string }> {
  const { shadow, ref } = await shadowWorld(deps, step.params.shadowId)
  const mine = shadow.status === 'proving' && shadow.operationId === step.operationId
  const taken =
    mine ||
    (await deps.database.stores.shadows.move(shadow.id, {
      from: ['ready', 'unproven'],
      to: 'proving',
      operationId: step.operationId,
      at: now(deps.clock),
    }))
  if (!taken) throw new AppError('conflict', `The shadow is ${shadow.status}: it cannot be drilled now.`)
  return { nativeId: ref.nativeId }
}

/** Parks a shadow that this drill has started. Leaves it alone when a failover has taken it meanwhile, when it is armed, or when it has the traffic. */
async function rest(deps: SagaDeps, step: StepContext<Params, object>): Promise<{ readonly rested: boolean }> {
  const { shadow, resource, provider, ref } = await shadowWorld(deps, step.params.shadowId)
  const mayRest = async (): Promise<boolean> => {
    const seen = await shadowWorld(deps, step.params.shadowId)
    const stillOurs = seen.shadow.status === 'proving' && seen.shadow.operationId === step.operationId
    if (!stillOurs || isArmed(seen.shadow, deps.clock.nowMs()) || seen.shadow.readiness !== 'parked') return false
    return !(await carriesTraffic(provider, seen.resource.traffic, ref.nativeId))
  }
  if (!(await mayRest())) return { rested: false }
  if (resource.traffic && provider.traffic) {
    await step.audit({ action: 'traffic.remove', target: ref.nativeId })
    await provider.traffic.remove(resource.traffic, ref, contextOf(deps, step, shadow, 'remove'))
  }
  const hold = resource.tier?.holdMemory === true && shadow.accountId === resource.accountId
  await step.audit({ action: hold ? 'compute.hold' : 'compute.stop', target: ref.nativeId })
  return { rested: await ensureResting(deps, provider, ref, hold, contextOf(deps, step, shadow, 'rest'), mayRest) }
}
