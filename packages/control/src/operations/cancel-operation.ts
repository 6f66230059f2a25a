import { AppError, assert, notFound, now } from '@understudy/core'
import { isFinal } from '@understudy/saga'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import type { Operation } from './operation.ts'
import { progressOf } from './progress.ts'
import { wakeMessage } from './wake-message.ts'

/**
 * Asks an operation to undo what it did. It ends as `cancelled` a little later, or finishes after all when it passes its point
 * of no return in between. `conflict` when it has ended, `too_late` after the point of no return. Asking twice changes nothing.
 */
export async function cancelOperation(control: Control, principal: Principal, input: { readonly id: string }): Promise<Operation> {
  requireRole(principal, 'operator')
  return control.database.transaction(async (stores) => {
    const operation = await stores.operations.find(principal.projectId, input.id)
    if (operation === undefined) throw notFound('operation')
    if (isFinal(operation.status)) throw ended(operation)
    if (progressOf(operation, await stores.operations.timeline(operation.id)).committed) {
      throw new AppError('too_late', 'The point of no return has passed: the operation can only go forward. Wait for it to end.')
    }
    if (operation.cancelRequestedAt !== undefined) return operation
    const at = now(control.clock)
    const isInTime = await stores.operations.requestCancel(operation.id, at)
    const changed = await stores.operations.find(principal.projectId, operation.id)
    assert(changed !== undefined, 'an operation is never deleted while it runs')
    if (!isInTime) throw ended(changed)
    await recordChange(control, stores, {
      projectId: operation.projectId,
      actor: actorOf(principal),
      what: 'operations.cancel_requested',
      subject: `operations/${operation.id}`,
      operationId: operation.id,
      data: { kind: operation.kind, resourceId: operation.resourceId },
    })
    await stores.outbox.append([wakeMessage(control, operation)])
    return changed
  })
}

const ended = (operation: Operation): AppError => new AppError('conflict', `The operation has ended already: ${operation.status}.`)
