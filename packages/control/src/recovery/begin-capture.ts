import { AppError, now } from '@understudy/core'
import type { Control } from '../context.ts'
import type { Stores } from '../database.ts'
import { recordChange } from '../journal/record-change.ts'
import { priorities } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { StartedOperation } from '../operations/start-operation.ts'
import type { Resource } from '../resources/resource.ts'
import { newRecoveryPoint } from './new-recovery-point.ts'
import type { DatabasePosition } from './recovery-point.ts'

/**
 * Writes the row of a point and the operation that captures it, in the caller's transaction. When another operation works on the points
 * of the resource, nothing is written and that one is answered with `joined: true`.
 */
export async function beginCapture(
  control: Control,
  stores: Stores,
  wanted: { readonly resource: Resource; readonly reason: string; readonly requestedBy: string; readonly database?: DatabasePosition | undefined },
): Promise<StartedOperation & { readonly pointId: string }> {
  const { resource, reason, requestedBy, database } = wanted
  const id = control.ids.next('recoveryPoint')
  const started = await startOperation(control, stores, {
    kind: 'recovery.capture',
    projectId: resource.projectId,
    params: { pointId: id },
    resourceId: resource.id,
    lockKey: `recovery:${resource.id}`,
    priority: priorities.background,
    requestedBy,
    reason,
  })
  if (started.joined) return { ...started, pointId: id }
  const operationId = started.operation.id
  await stores.recoveryPoints.insert(newRecoveryPoint({ id, resource, reason, requestedBy, database, operationId, at: now(control.clock) }))
  await recordChange(control, stores, {
    projectId: resource.projectId,
    actor: requestedBy,
    what: 'recovery_points.capture_requested',
    subject: `recovery-points/${id}`,
    operationId,
    data: { resourceId: resource.id, reason },
  })
  return { ...started, pointId: id }
}

/** The same for a person, who is told: `busy` when another operation works on the points of the resource. */
export async function beginCaptureAlone(...asked: Parameters<typeof beginCapture>): ReturnType<typeof beginCapture> {
  const begun = await beginCapture(...asked)
  const { operation, joined } = begun
  if (!joined) return begun
  throw new AppError('busy', `Another operation works on the recovery points of this resource: ${operation.id}. Wait for it, then repeat.`, {
    details: { operationId: operation.id },
  })
}
