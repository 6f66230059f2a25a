import { AppError, now } from '@understudy/core'
import type { Json } from '@understudy/core'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import type { SagaDeps } from '../context.ts'
import type { Stores } from '../database.ts'
import { recordChange } from '../journal/record-change.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { closePoint } from './digests/digest-steps.ts'
import { inspectBytes } from './digests/inspect-bytes.ts'
import { inspectPoint } from './inspect-point.ts'
import type { Finding, RecoveryPoint, VerifiedBytes } from './recovery-point.ts'

/** `share`: how much of the blocks that have digests is read again; 0: nothing. */
const params = z.strictObject({ pointId: z.string(), share: z.number().min(0).max(1).optional() })
const minute = 60_000
/** Where nobody says otherwise; of each disk at least one block. */
const usualShare = 0.05

/** Looks whether a point is still what was kept: its manifest, the chain before it, the audit trail, the cloud's snapshots, and their bytes. */
export const verifyRecoveryPointSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.verify', {
  version: sagaVersions['recovery.verify'],
  params,
})
  .step('checked', {
    title: 'Compare manifest, chain, audit trail, snapshots and bytes',
    budget: { maxMs: 24 * 60 * minute },
    run: async (deps, step) => (await inspectById(deps, step)) as unknown as { readonly findings: Json; readonly bytes?: Json }, // plain JSON by its type
    undo: (deps, step) => closePoint(deps, step, step.params.pointId),
  })
  .step('recorded', {
    title: 'Record what was found',
    budget: { maxMs: minute },
    run: (deps, step) => record(deps, step.params.pointId, step.operationId, step.outputs.checked as unknown as Checked), // as `checked` wrote it
    // What was found stays true.
    undo: 'nothing-to-undo',
  })
  .end()

interface Checked {
  readonly findings: readonly Finding[]
  readonly bytes?: VerifiedBytes
}

async function inspectById(deps: SagaDeps, step: StepContext<z.infer<typeof params>, object>): Promise<Checked> {
  const point = await requirePoint(deps.database.stores, step.params.pointId)
  // What was found the last time is looked at anew.
  const { verification: _before, ...anew } = point
  const findings = await inspectPoint(deps, await deps.openProvider(point.accountId), { ...anew, verification: undefined })
  const share = step.params.share ?? usualShare
  if (share === 0 || point.digests?.document === undefined) return { findings }
  const read = await inspectBytes(deps, step, point, { share })
  return { findings: [...findings, ...read.findings], bytes: read.bytes }
}

async function record(deps: SagaDeps, id: string, operationId: string, { findings, bytes }: Checked): Promise<{ readonly intact: boolean }> {
  const intact = findings.length === 0
  await deps.database.transaction(async (stores) => {
    const point = await requirePoint(stores, id)
    const at = now(deps.clock)
    await swapOrRepeat(
      stores.recoveryPoints.update(
        { ...point, verification: { at: at.toISOString(), findings, ...(bytes === undefined ? {} : { bytes }) }, updatedAt: at },
        point.version,
      ),
    )
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
