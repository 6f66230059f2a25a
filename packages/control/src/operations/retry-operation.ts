import { AppError, assert, notFound, now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import type { Operation } from './operation.ts'
import { wakeMessage } from './wake-message.ts'

/** Lets a stuck operation go on from the step that failed. `conflict` when it is not stuck. */
export async function retryOperation(control: Control, principal: Principal, input: { readonly id: string }): Promise<Operation> {
  requireRole(principal, 'operator')
  return control.database.transaction(async (stores) => {
    const operation = await stores.operations.find(principal.projectId, input.id)
    if (operation === undefined) throw notFound('operation')
    if (!(await stores.operations.retry(operation.id, now(control.clock)))) throw notStuck(operation)
    await recordChange(control, stores, {
      projectId: operation.projectId,
      actor: actorOf(principal),
      what: 'operations.retried',
      subject: `operations/${operation.id}`,
      operationId: operation.id,
      data: { kind: operation.kind, resourceId: operation.resourceId },
    })
    await stores.outbox.append([wakeMessage(control, operation)])
    const changed = await stores.operations.find(principal.projectId, operation.id)
    assert(changed !== undefined, 'an operation is never deleted while it runs')
    return changed
  })
}

export const notStuck = (operation: Operation): AppError =>
  new AppError('conflict', `The operation is not stuck but ${operation.status}. Only a stuck one waits for a person.`)
