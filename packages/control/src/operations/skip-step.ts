import { AppError, assert, notFound, now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import type { Operation } from './operation.ts'
import { progressOf } from './progress.ts'
import { notStuck } from './retry-operation.ts'
import { wakeMessage } from './wake-message.ts'

/**
 * Counts the failed step of a stuck operation as done by a person, and lets it go on behind it. The step has to be named, so that
 * nobody skips another one than they looked at. Needs `admin`.
 */
export async function skipStep(control: Control, principal: Principal, input: { readonly id: string; readonly step: string }): Promise<Operation> {
  requireRole(principal, 'admin')
  return control.database.transaction(async (stores) => {
    const operation = await stores.operations.find(principal.projectId, input.id)
    if (operation === undefined) throw notFound('operation')
    if (operation.status !== 'stuck') throw notStuck(operation)
    const { next } = progressOf(operation, await stores.operations.timeline(operation.id))
    if (next?.step !== input.step) {
      throw new AppError('conflict', `The operation is stuck in the step ${next?.step ?? '(none)'}, not in ${input.step}.`, {
        errors: [{ pointer: '/step', message: `must be ${next?.step ?? 'the failed step'}` }],
      })
    }
    const actor = actorOf(principal)
    if (!(await stores.operations.skip(operation.id, input.step, actor, now(control.clock)))) throw notStuck(operation)
    await recordChange(control, stores, {
      projectId: operation.projectId,
      actor,
      what: 'operations.step_skipped',
      subject: `operations/${operation.id}`,
      operationId: operation.id,
      data: { kind: operation.kind, step: input.step, action: next.action },
    })
    await stores.outbox.append([wakeMessage(control, operation)])
    const changed = await stores.operations.find(principal.projectId, operation.id)
    assert(changed !== undefined, 'an operation is never deleted while it runs')
    return changed
  })
}
