import { AppError, now } from '@understudy/core'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import { callContext } from '../cloud/call-context.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { deleteCopies } from './copies/copy-steps.ts'
import { membersOf } from './digests/digest-steps.ts'
import { isLocked } from './recovery-point.ts'
import type { RecoveryPoint } from './recovery-point.ts'

const params = z.strictObject({ pointId: z.string() })
type Step = StepContext<z.infer<typeof params>, object>
const minute = 60_000

/** Deletes what a deleted point has kept. From the moment it is out of reach this only rolls forward. */
export const purgeRecoveryPointSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.purge', { version: sagaVersions['recovery.purge'], params })
  .step('taken', {
    title: 'Put the point out of reach',
    budget: { maxMs: minute },
    run: take,
    undo: giveBack,
  })
  .commit()
  .step('deleted', {
    title: 'Delete its copies in other regions, and its snapshots',
    budget: { maxMs: 30 * minute },
    run: async (deps, step) => {
      const { set, resourceId, accountId } = step.outputs.taken
      if (set === null) return { deleted: false }
      const provider = await deps.openProvider(accountId)
      const { digests, manifest } = await pointOf(deps, step)
      await deleteCopies(deps, step, provider, step.params)
      await step.audit({ action: 'snapshots.delete', target: set })
      // What a reader that died has left open may keep it from being deleted.
      if (digests !== undefined && manifest !== undefined)
        await provider.blocks?.close(membersOf(provider, manifest), callContext(deps, step, { suffix: 'close', resourceId, priority: 'background' }))
      await provider.snapshots?.delete({ setId: set }, callContext(deps, step, { resourceId, priority: 'background' }))
      return { deleted: true }
    },
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record that it is gone',
    budget: { maxMs: minute },
    run: async (deps, step) => {
      await move(deps, step, 'purging', 'purged')
      return { purged: true }
    },
    undo: 'nothing-to-undo',
  })
  .end()

async function take(deps: SagaDeps, step: Step): Promise<{ readonly set: string | null; readonly resourceId: string; readonly accountId: string }> {
  const point = await pointOf(deps, step)
  const at = now(deps.clock)
  // Looked at again: since it was found due somebody may have brought it back.
  const isDue = point.purgeTime !== undefined && point.purgeTime <= at && !isLocked(point, at.getTime())
  if (point.status !== 'purging') {
    const isInUse = (await deps.database.stores.recoverySchedules.inUse([point.id], { exceptOperation: step.operationId })).size > 0
    if (isInUse) throw new AppError('conflict', 'Another operation uses the recovery point: it is deleted when that has ended.')
    if (!isDue) throw new AppError('conflict', 'The recovery point is wanted again, or locked: it is not deleted.')
    await move(deps, step, point.status, 'purging')
  }
  return { set: point.manifest?.disks.set ?? null, resourceId: point.resourceId, accountId: point.accountId }
}

async function giveBack(deps: SagaDeps, step: Step): Promise<void> {
  const point = await pointOf(deps, step)
  if (point.operationId === step.operationId) await move(deps, step, 'purging', point.manifest === undefined ? 'failed' : 'usable')
}

/** Repeatable: a point that is there already stays there. */
async function move(deps: SagaDeps, step: Step, from: RecoveryPoint['status'], to: RecoveryPoint['status']): Promise<void> {
  await deps.database.transaction(async (stores) => {
    const point = await stores.recoveryPoints.findById(step.params.pointId)
    if (point?.status !== from) return
    const operationId = to === 'purging' ? step.operationId : undefined
    await swapOrRepeat(stores.recoveryPoints.update({ ...point, status: to, operationId, updatedAt: now(deps.clock) }, point.version))
    if (to !== 'purged') return
    if (point.sequence !== undefined) await stores.recoveryPoints.forgetSpaceAfter(point.resourceId, point.sequence)
    await recordChange(deps, stores, {
      projectId: point.projectId,
      actor: systemActor('recovery.purge'),
      what: 'recovery_points.purged',
      subject: `recovery-points/${point.id}`,
      operationId: step.operationId,
      data: { resourceId: point.resourceId },
    })
  })
}

async function pointOf(deps: SagaDeps, step: Step): Promise<RecoveryPoint> {
  const point = await deps.database.stores.recoveryPoints.findById(step.params.pointId)
  if (point === undefined) throw new AppError('not_found', 'The recovery point has been removed meanwhile.')
  return point
}
