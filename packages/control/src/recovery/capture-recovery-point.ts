import { AppError, notFound } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { refuseInvalid, textErrors } from '../fields.ts'
import type { Operation } from '../operations/operation.ts'
import { beginCaptureAlone } from './begin-capture.ts'
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
    const { reason, database } = input
    const { operation } = await beginCaptureAlone(control, stores, { resource, reason, requestedBy: actorOf(principal), database })
    return operation
  })
}
