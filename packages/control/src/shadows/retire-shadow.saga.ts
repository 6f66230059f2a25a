import { AppError, now } from '@understudy/core'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { awaitOperation } from '../cloud/await-operation.ts'
import { callContext } from '../cloud/call-context.ts'
import { withEntry } from '../cloud/entry.ts'
import { carriesTraffic } from '../cloud/health.ts'
import type { SagaDeps } from '../context.ts'
import { unlessGone } from '../failover/failover.world.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import type { Shadow } from './shadow.ts'
import { wakeReconciler } from '../reconcilers/wake-reconciler.ts'

const params = z.strictObject({ shadowId: z.string() })
const minute = 60_000

/** Ends a shadow that is no longer wanted or no longer good. Once it is out of use, this only rolls forward. */
export const retireShadowSaga = saga<SagaDeps, z.infer<typeof params>>('shadow.retire', { version: sagaVersions['shadow.retire'], params })
  .step('taken', {
    title: 'Take the shadow out of use',
    budget: { maxMs: minute },
    run: async (deps, step) => {
      const { shadows } = deps.database.stores
      const shadow = await shadows.findById(step.params.shadowId)
      if (!shadow) throw new AppError('not_found', 'The shadow has been deleted meanwhile.')
      if (await hasTraffic(deps, shadow)) throw new AppError('conflict', 'The shadow has the traffic of its resource: it cannot be retired now.')
      const taken = await shadows.move(shadow.id, {
        from: ['planned', 'unproven', 'ready', 'failed', 'retiring'],
        to: 'retiring',
        operationId: step.operationId,
        at: now(deps.clock),
      })
      if (!taken) throw new AppError('conflict', `The shadow is ${shadow.status}: it cannot be retired now.`)
      return {
        nativeId: shadow.nativeId ?? null,
        snapshotSetId: shadow.snapshotSetId ?? null,
        accountId: shadow.accountId,
        resourceId: shadow.resourceId,
      }
    },
    // Nobody looks after one that is being retired, so it must not stay that way. A failed one is retired by the next pass.
    undo: async (deps, step) => {
      const { shadows } = deps.database.stores
      const shadow = await shadows.findById(step.params.shadowId)
      if (shadow?.operationId !== step.operationId) return
      await shadows.move(shadow.id, {
        from: ['retiring'],
        to: 'failed',
        operationId: null,
        lastError: shadow.lastError ?? 'it was about to be retired',
        at: now(deps.clock),
      })
    },
  })
  .commit()
  .step('gone', {
    title: 'Take it out of the load balancer and end the instance',
    budget: { maxMs: 10 * minute },
    run: async (deps, step) => {
      const { nativeId, accountId, resourceId } = step.outputs.taken
      if (nativeId === null) return deleteKeptDisks(deps, step, accountId, resourceId, step.outputs.taken.snapshotSetId)
      const resource = await deps.database.stores.resources.findById(resourceId)
      // Whatever the rows say, the present primary is never ended here.
      if (resource?.nativeId === nativeId && resource.accountId === accountId)
        throw new AppError('conflict', `${nativeId} is the primary of ${resourceId}.`)
      const provider = await withEntry(deps, resource, accountId)
      const ref = { ...provider.scope, nativeId }
      const purpose = { resourceId, shadowId: step.params.shadowId, priority: 'background' } as const
      const { traffic } = provider
      const binding = resource?.traffic
      if (binding && traffic) {
        await step.audit({ action: 'traffic.remove', target: nativeId })
        // A load balancer that no longer exists is no reason to keep the instance.
        await unlessGone(() => traffic.remove(binding, ref, callContext(deps, step, { ...purpose, suffix: 'remove' })))
      }
      await step.audit({ action: 'compute.terminate', target: nativeId })
      await unlessGone(async () => {
        const handle = await provider.compute.terminate(ref, callContext(deps, step, { ...purpose, suffix: 'terminate' }))
        await awaitOperation(deps, provider, handle, step.signal)
      })
      return { terminated: true }
    },
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record that it is gone',
    budget: { maxMs: minute },
    run: async (deps, step) => {
      const at = now(deps.clock)
      const shadow = await deps.database.stores.shadows.findById(step.params.shadowId)
      await deps.database.transaction(async (stores) => {
        await stores.shadows.move(step.params.shadowId, { from: ['retiring', 'retired'], to: 'retired', operationId: null, at })
        if (!shadow) return
        await stores.events.append([
          {
            id: deps.ids.next('event'),
            projectId: shadow.projectId,
            type: 'io.understudy.shadows.retired.v1',
            subject: `shadows/${shadow.id}`,
            at,
            data: { id: shadow.id, resourceId: shadow.resourceId },
          },
        ])
        await stores.outbox.append([wakeReconciler(deps, 'shadows')])
      })
      return { retired: true }
    },
    undo: 'nothing-to-undo',
  })
  .end()

/** A cold shadow is its snapshots. */
async function deleteKeptDisks(
  deps: SagaDeps,
  step: StepContext<{ readonly shadowId: string }, object>,
  accountId: string,
  resourceId: string,
  setId: string | null,
): Promise<{ readonly terminated: boolean }> {
  if (setId === null) return { terminated: false }
  const provider = await deps.openProvider(accountId)
  await step.audit({ action: 'snapshots.delete', target: setId })
  const purpose = { suffix: 'delete', resourceId, shadowId: step.params.shadowId, priority: 'background' } as const
  await provider.snapshots?.delete({ setId }, callContext(deps, step, purpose))
  return { terminated: true }
}

async function hasTraffic(deps: SagaDeps, shadow: Shadow): Promise<boolean> {
  if (shadow.nativeId === undefined) return false
  const resource = await deps.database.stores.resources.findById(shadow.resourceId)
  if (!resource?.traffic) return false
  const provider = await withEntry(deps, resource, shadow.accountId)
  let carries = false
  await unlessGone(async () => {
    carries = await carriesTraffic(provider, resource.traffic, shadow.nativeId ?? '')
  })
  return carries
}
