import { AppError, now } from '@understudy/core'
import type { Json } from '@understudy/core'
import { saga } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import type { SagaDeps } from '../context.ts'
import type { Stores } from '../database.ts'
import { recordChange } from '../journal/record-change.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { inspectPoint } from './inspect-point.ts'
import type { Finding, RecoveryPoint } from './recovery-point.ts'

const params = z.strictObject({ pointId: z.string() })
const minute = 60_000

/** Looks whether a point is still what was kept: its manifest, the chain before it, the audit trail, and the cloud's snapshots. */
export const verifyRecoveryPointSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.verify', {
  version: sagaVersions['recovery.verify'],
  params,
})
  .step('checked', {
    title: 'Compare manifest, chain, audit trail and snapshots',
    budget: { maxMs: 15 * minute },
    run: async (deps, step) => ({ findings: (await inspectById(deps, step.params.pointId)) as unknown as Json }), // plain JSON by its type
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record what was found',
    budget: { maxMs: minute },
    run: (deps, step) => record(deps, step.params.pointId, step.operationId, step.outputs.checked.findings as unknown as readonly Finding[]), // as `checked` wrote it
    // What was found stays true.
    undo: 'nothing-to-undo',
  })
  .end()

async function inspectById(deps: SagaDeps, id: string): Promise<readonly Finding[]> {
  const point = await requirePoint(deps.database.stores, id)
  return inspectPoint(deps, await deps.openProvider(point.accountId), point)
}

async function record(deps: SagaDeps, id: string, operationId: string, findings: readonly Finding[]): Promise<{ readonly intact: boolean }> {
  const intact = findings.length === 0
  await deps.database.transaction(async (stores) => {
    const point = await requirePoint(stores, id)
    const at = now(deps.clock)
    await swapOrRepeat(stores.recoveryPoints.update({ ...point, verification: { at: at.toISOString(), findings }, updatedAt: at }, point.version))
    await recordChange(deps, stores, {
      projectId: point.projectId,
      actor: systemActor('recovery.verify'),
      what: intact ? 'recovery_points.verified' : 'recovery_points.damage_found',
      subject: `recovery-points/${point.id}`,
      operationId,
      data: { resourceId: point.resourceId, findings: findings.map(({ kind }) => kind) },
    })
  })
  return { intact }
}

async function requirePoint(stores: Stores, id: string): Promise<RecoveryPoint> {
  const point = await stores.recoveryPoints.findById(id)
  if (point === undefined) throw new AppError('not_found', 'The recovery point has been removed meanwhile.')
  return point
}
