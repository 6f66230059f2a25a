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
import { newRecoveryPoint } from './new-recovery-point.ts'
import type { DatabasePosition } from './recovery-point.ts'

/**
 * Keeps the resource as it is now. `busy` while another point of it is being captured; `conflict` when its primary is gone.
 * A hold does not refuse it: nothing about the resource changes, and a person asks.
 */
export async function captureRecoveryPoint(
  control: Control,
  principal: Principal,
  input: { readonly resourceId: string; readonly reason: string; readonly database?: DatabasePosition },
): Promise<Operation> {
  requireRole(principal, 'operator')
  refuseInvalid(textErrors('/reason', input.reason, 500))
  return control.database.transaction(async (stores) => {
    const resource = await stores.resources.find(principal.projectId, input.resourceId)
    if (resource === undefined) throw notFound('resource')
    if (resource.status === 'lost') {
      throw new AppError('conflict', 'The primary of this resource is gone: there is nothing to keep. Fail over to a shadow first.')
    }
    const actor = actorOf(principal)
    const id = control.ids.next('recoveryPoint')
    const { operation, joined } = await startOperation(control, stores, {
      kind: 'recovery.capture',
      projectId: resource.projectId,
      params: { pointId: id },
      resourceId: resource.id,
      lockKey: `recovery:${resource.id}`,
      priority: priorities.background,
      requestedBy: actor,
      reason: input.reason,
    })
    if (joined) {
      throw new AppError('busy', `Another operation works on the recovery points of this resource: ${operation.id}. Wait for it, then repeat.`, {
        details: { operationId: operation.id },
      })
    }
    const { projectId } = resource
    const { reason, database } = input
    const what = { id, resource, reason, requestedBy: actor, database, operationId: operation.id, at: now(control.clock) }
    await stores.recoveryPoints.insert(newRecoveryPoint(what))
    await recordChange(control, stores, {
      projectId,
      actor,
      what: 'recovery_points.capture_requested',
      subject: `recovery-points/${id}`,
      operationId: operation.id,
      data: { resourceId: resource.id, reason: input.reason },
    })
    return operation
  })
}
