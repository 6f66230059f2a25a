import { AppError, notFound } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'

/** Looks whether the point is still what was kept; `share`: of its blocks, read again. Two who ask at once get the same operation. */
export async function verifyRecoveryPoint(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly share?: number | undefined },
): Promise<Operation> {
  requireRole(principal, 'operator')
  return control.database.transaction(async (stores) => {
    const point = await stores.recoveryPoints.find(principal.projectId, input.id)
    if (point === undefined) throw notFound('recovery point')
    if (point.status !== 'usable') throw new AppError('conflict', `Only a usable recovery point can be verified; this one is ${point.status}.`)
    const { operation } = await startOperation(control, stores, {
      kind: 'recovery.verify',
      projectId: point.projectId,
      params: { pointId: point.id, ...(input.share === undefined ? {} : { share: input.share }) },
      resourceId: point.resourceId,
      lockKey: `recovery.verify:${point.id}`,
      priority: priorities.background,
      requestedBy: actorOf(principal),
      reason: 'asked for through the API',
    })
    return operation
  })
}
