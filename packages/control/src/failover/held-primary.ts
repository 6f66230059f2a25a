import { AppError, sleep } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { OperationHandle, Provider, SnapshotSetRef } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import { awaitOperation } from '../cloud/await-operation.ts'
import { callContext } from '../cloud/call-context.ts'
import { withEntry } from '../cloud/entry.ts'
import { carriesTraffic } from '../cloud/health.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { unlessGone } from './failover.world.ts'

/** How long a capture may take before a person is called: as long as one of a recovery point. */
export const saveMaxMs = 6 * 3_600_000

export const heldPrimaryParams = z.strictObject({
  resourceId: z.string(),
  projectId: z.string(),
  accountId: z.string(),
  primary: z.string(),
  setId: z.string(),
  /** What polls it: some clouds make a capture piece by piece, each when they are asked. */
  capture: z.record(z.string(), z.json()),
  lateAt: z.iso.datetime(),
})
export type HeldPrimary = z.infer<typeof heldPrimaryParams>
type Step = StepContext<HeldPrimary, object>

export type Saved = { readonly state: 'complete' | 'failed' | 'late' }

async function captureOf({ params }: Step, provider: Provider): Promise<'complete' | 'failed' | 'running'> {
  try {
    const { phase } = await provider.compute.poll(params.capture as unknown as OperationHandle<SnapshotSetRef>) // as the cloud gave it to the failover
    return phase === 'succeeded' ? 'complete' : phase
  } catch (error) {
    if (!isProviderError(error)) throw error
    return isProviderError(error, 'not_found') ? 'failed' : 'running'
  }
}

/** Once a capture has failed, or has taken too long, that is told: nobody else would see it. */
export async function awaitSaved(deps: SagaDeps, step: Step): Promise<Saved> {
  const provider = await deps.openProvider(step.params.accountId)
  const lateMs = Date.parse(step.params.lateAt)
  for (let pauseMs = 5_000; ; pauseMs = Math.min(pauseMs * 1.5, 60_000)) {
    const state = await captureOf(step, provider)
    if (state === 'complete') return { state }
    if (state === 'failed' || deps.clock.nowMs() >= lateMs) return await unsaved(deps, step, state === 'failed' ? 'failed' : 'late')
    await sleep(deps.clock, pauseMs, step.signal)
  }
}

async function unsaved(deps: SagaDeps, step: Step, state: 'failed' | 'late'): Promise<Saved> {
  await deps.database.transaction((stores) => tellUnsaved(deps, stores, step.params, { state, operationId: step.operationId }))
  return { state }
}

/** The disks of a former primary could not be saved, or not in time. */
export function tellUnsaved(
  deps: Pick<SagaDeps, 'clock' | 'ids'>,
  stores: Parameters<typeof recordChange>[1],
  { projectId, resourceId, primary, setId }: Pick<HeldPrimary, 'projectId' | 'resourceId' | 'primary' | 'setId'>,
  { state, operationId }: { readonly state: 'failed' | 'late'; readonly operationId: string },
): Promise<void> {
  return recordChange(deps, stores, {
    projectId,
    actor: systemActor('failover'),
    what: state === 'failed' ? 'failover.state_failed' : 'failover.state_late',
    subject: `resources/${resourceId}`,
    operationId,
    data: { resourceId, formerPrimary: primary, snapshotSet: setId, ...(state === 'late' ? { retiredBy: operationId } : {}) },
  })
}

/** What is not saved in all that time is ended when somebody says so: by skipping this step, or by retrying it when it is saved. */
export async function requireSaved(deps: SagaDeps, step: Step): Promise<{ readonly saved: true }> {
  const { accountId, primary, setId } = step.params
  if ((await captureOf(step, await deps.openProvider(accountId))) === 'complete') return { saved: true }
  throw new AppError('conflict', `The disks of the former primary ${primary} are not saved (snapshot set ${setId}): it is kept.`, {
    details: {
      remedy:
        'Look at the snapshots of the set in the cloud: once they are complete, a retry ends it; a skip ends it without them. To keep it, import it.',
    },
  })
}

/** Ends it, unless somebody has found another use for it meanwhile. */
export async function endHeld(deps: SagaDeps, step: Step): Promise<{ readonly fate: 'terminated' | 'gone' | 'in-use' }> {
  const { resourceId, accountId, primary } = step.params
  const { resources, shadows } = deps.database.stores
  const resource = await resources.findById(resourceId)
  const provider = resource === undefined ? await deps.openProvider(accountId) : await withEntry(deps, resource, accountId)
  const ref = { ...provider.scope, nativeId: primary }
  const users = [...(await resources.findByNativeIds(accountId, [primary])), ...(await shadows.listAliveByNativeIds(accountId, [primary]))]
  if (users.length > 0 || (await carriesTraffic(provider, resource?.traffic, primary))) return { fate: 'in-use' }
  const state = (await provider.inventory.states([ref])).get(primary)?.state
  if (state === undefined || state === 'terminating' || state === 'terminated') return { fate: 'gone' }
  await step.audit({ action: 'compute.terminate', target: primary })
  const context = callContext(deps, step, { suffix: 'terminate', resourceId, priority: 'background' })
  await unlessGone(async () => awaitOperation(deps, provider, await provider.compute.terminate(ref, context), step.signal))
  return { fate: 'terminated' }
}
