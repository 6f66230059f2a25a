import { AppError, notFound, now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { refuseInvalid, textErrors } from '../fields.ts'
import { recordChange } from '../journal/record-change.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import { verificationSchema } from '../probes/probe.ts'
import type { AskedChecks } from '../probes/probe.ts'
import { findPolicyOf } from '../recovery/policies/may-roll-back.ts'
import type { FindingKind } from '../recovery/recovery-point.ts'
import type { RestoreDrill } from './restore-drill.ts'

const usualTtlSeconds = 3600

/**
 * Rehearses going back to a point, on a clone that nobody can reach and that is deleted whatever happens. Nothing about the resource
 * changes, so that neither a hold nor a failover refuses it. `busy` while the same point is being rehearsed.
 */
export async function startTestRollback(
  control: Control,
  principal: Principal,
  input: {
    readonly id: string
    readonly reason: string
    readonly verification?: AskedChecks | undefined
    readonly despite?: readonly FindingKind[] | undefined
    readonly ttlSeconds?: number | undefined
  },
): Promise<Operation> {
  requireRole(principal, 'operator')
  refuseInvalid(textErrors('/reason', input.reason, 500))
  const actor = actorOf(principal)
  return control.database.transaction(async (stores) => {
    const point = await stores.recoveryPoints.find(principal.projectId, input.id)
    if (point === undefined) throw notFound('recovery point')
    if (point.status !== 'usable') throw new AppError('conflict', `Only a usable recovery point can be rehearsed; this one is ${point.status}.`)
    const resource = await stores.resources.find(principal.projectId, point.resourceId)
    const policy = resource === undefined ? undefined : await findPolicyOf(stores, resource)
    const verification = input.verification ?? policy?.rules.verification
    const id = control.ids.next('drill')
    const { operation, joined } = await startOperation(control, stores, {
      kind: 'recovery.test-rollback',
      projectId: point.projectId,
      params: {
        drillId: id,
        ...(verification === undefined ? {} : { verification: verificationSchema.parse(verification) }),
        ...(input.despite === undefined ? {} : { despite: [...input.despite] }),
      },
      resourceId: point.resourceId,
      lockKey: `recovery.test-rollback:${point.id}`,
      priority: priorities.background,
      requestedBy: actor,
      reason: input.reason,
    })
    if (joined) {
      throw new AppError('busy', `This point is being rehearsed already: ${operation.id}. Wait for it, then repeat.`, {
        details: { operationId: operation.id },
      })
    }
    const at = now(control.clock)
    const drill: RestoreDrill = {
      ...{ id, projectId: point.projectId, resourceId: point.resourceId, accountId: point.accountId, pointId: point.id, status: 'running' },
      ...{ reason: input.reason, requestedBy: actor, operationId: operation.id },
      expiresAt: new Date(at.getTime() + (input.ttlSeconds ?? usualTtlSeconds) * 1000),
      ...{ cleanedAt: undefined, record: undefined, signature: undefined, createdAt: at, updatedAt: at, version: 1 },
    }
    await stores.restoreDrills.insert(drill)
    await recordChange(control, stores, {
      projectId: point.projectId,
      actor,
      what: 'restore_drills.requested',
      subject: `test-rollbacks/${id}`,
      operationId: operation.id,
      data: { resourceId: point.resourceId, recoveryPointId: point.id, reason: input.reason, expiresAt: drill.expiresAt.toISOString() },
    })
    return operation
  })
}
