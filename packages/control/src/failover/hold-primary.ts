import { isProviderError } from '@understudy/provider'
import { systemActor } from '../access/access.ts'
import { awaitOperation } from '../cloud/await-operation.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { priorities } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import { formerAccountOf, urgent } from './failover.world.ts'
import type { FailoverStep, FailoverWorld } from './failover.world.ts'
import { saveMaxMs } from './held-primary.ts'
import type { HeldPrimary } from './held-primary.ts'
import type { SavedState } from './place-replacement.ts'

/**
 * Leaves the retirement of a former primary whose disks are not saved yet to an operation of its own: the failover ends, and the disks stay
 * until they are. It has no traffic, and is stopped where it can be.
 */
export async function holdPrimary(
  deps: SagaDeps,
  step: FailoverStep,
  { resource, provider, primary }: FailoverWorld,
  saved: Unfinished,
): Promise<void> {
  const accountId = formerAccountOf(step, resource)
  const lateAt = new Date(deps.clock.nowMs() + saveMaxMs).toISOString()
  const { projectId, id: resourceId } = resource
  const params: HeldPrimary = {
    ...{ resourceId, projectId, accountId, primary: primary.nativeId, setId: saved.setId, lateAt },
    capture: { ...saved.capture } as unknown as HeldPrimary['capture'], // plain JSON by its type
  }
  await deps.database.transaction(async (stores) => {
    const { operation, joined } = await startOperation(deps, stores, {
      kind: 'failover.retire',
      ...{ projectId, resourceId, params, lockKey: `failover.retire:${accountId}:${primary.nativeId}`, priority: priorities.background },
      requestedBy: systemActor('failover'),
      reason: 'The disks of the former primary are not saved yet',
    })
    if (joined) return
    await recordChange(deps, stores, {
      projectId,
      actor: systemActor('failover'),
      what: 'failover.primary_held',
      subject: `resources/${resourceId}`,
      operationId: step.operationId,
      data: { resourceId, formerPrimary: primary.nativeId, snapshotSet: saved.setId, retiredBy: operation.id },
    })
  })
  await step.note('The snapshots of the former primary, which came too late for the replacement, are not complete: it is kept until they are.')
  await rest(deps, step, { provider, primary })
}
export type Unfinished = SavedState & { readonly setId: string; readonly capture: NonNullable<SavedState['capture']> }

async function rest(deps: SagaDeps, step: FailoverStep, { provider, primary }: Pick<FailoverWorld, 'provider' | 'primary'>): Promise<void> {
  if ((await provider.inventory.states([primary])).get(primary.nativeId)?.state !== 'running') return
  await step.audit({ action: 'compute.stop', target: primary.nativeId })
  try {
    const handle = await provider.compute.stop(primary, {}, urgent(deps, step, { suffix: 'rest' }))
    await awaitOperation(deps, provider, handle, step.signal)
  } catch (error) {
    if (!isProviderError(error)) throw error
    await step.note(`It goes on without traffic: the cloud does not stop it (${error.shape.nativeCode}).`)
  }
}
