import { now } from '@understudy/core'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { awaitOperation } from '../cloud/await-operation.ts'
import { ensureRunning } from '../cloud/ensure-running.ts'
import { carriesTraffic, watchesStandby } from '../cloud/health.ts'
import type { SagaDeps } from '../context.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { shadowCall, shadowWorld } from './shadow-world.ts'
import type { Shadow } from './shadow.ts'

const params = z.strictObject({ shadowId: z.string() })
type Params = z.infer<typeof params>
const minute = 60_000

/** An early warning: have the stand-in running, with no traffic, for a while. No confirmation: it stands down again. */
export const armShadowSaga = saga<SagaDeps, Params>('shadow.arm', { version: sagaVersions['shadow.arm'], params })
  .step('armed', {
    title: 'Note until when it is armed',
    budget: { maxMs: minute },
    run: async (deps, step) => {
      const { shadow } = await shadowWorld(deps, step.params.shadowId)
      const until = new Date(deps.clock.nowMs() + deps.settings.armTtlMs)
      await deps.database.stores.shadows.setArmed(shadow.id, until, now(deps.clock))
      return { until: until.toISOString() }
    },
    undo: async (deps, step) => deps.database.stores.shadows.setArmed(step.params.shadowId, null, now(deps.clock)),
  })
  .step('running', {
    title: 'Start it if it rests, and have it watched',
    budget: { maxMs: 10 * minute },
    run: async (deps, step) => {
      const { shadow, resource, provider, ref } = await shadowWorld(deps, step.params.shadowId)
      await step.audit({ action: 'compute.start', target: ref.nativeId })
      const { started } = await ensureRunning(deps, provider, ref, contextOf(deps, step, shadow, 'start'))
      if (resource.traffic && provider.traffic && watchesStandby(provider, resource.traffic)) {
        await step.audit({ action: 'traffic.enrol', target: ref.nativeId })
        await provider.traffic.enrol(resource.traffic, ref, contextOf(deps, step, shadow, 'enrol'))
      }
      return { started }
    },
    undo: async (deps, step) => {
      await standDown(deps, step)
    },
  })
  .end()

/** Ends an arming that nothing confirmed. A shadow that a failover has taken, or that was armed anew, is left alone. */
export const disarmShadowSaga = saga<SagaDeps, Params>('shadow.disarm', { version: sagaVersions['shadow.disarm'], params })
  .step('rested', {
    title: 'Put it to rest again if its tier says so',
    budget: { maxMs: 10 * minute },
    run: standDown,
    undo: 'nothing-to-undo',
  })
  .step('disarmed', {
    title: 'Note that it is no longer armed',
    budget: { maxMs: minute },
    run: async (deps, step) => {
      await deps.database.stores.shadows.setArmed(step.params.shadowId, null, now(deps.clock))
      return { disarmed: true }
    },
    undo: 'nothing-to-undo',
  })
  .end()

const contextOf = (deps: SagaDeps, step: StepContext<Params, object>, shadow: Shadow, suffix: string) =>
  shadowCall(deps, step, shadow, { suffix, priority: 'failover' })

async function standDown(deps: SagaDeps, step: StepContext<Params, object>): Promise<{ readonly rested: boolean }> {
  const { shadow, resource, provider, ref } = await shadowWorld(deps, step.params.shadowId)
  const ours = shadow.status === 'ready' || shadow.status === 'unproven'
  if (!ours || shadow.readiness !== 'parked' || resource.nativeId === ref.nativeId) return { rested: false }
  if (await carriesTraffic(provider, resource.traffic, ref.nativeId)) return { rested: false }
  if (resource.traffic && provider.traffic) {
    await step.audit({ action: 'traffic.remove', target: ref.nativeId })
    await provider.traffic.remove(resource.traffic, ref, contextOf(deps, step, shadow, 'remove'))
  }
  await step.audit({ action: 'compute.stop', target: ref.nativeId })
  await awaitOperation(deps, provider, await provider.compute.stop(ref, {}, contextOf(deps, step, shadow, 'rest')), step.signal)
  return { rested: true }
}
