import { AppError, notFound } from '@understudy/core'
import { actorOf } from '../../access/access.ts'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import type { Operation } from '../../operations/operation.ts'
import { requireSeenVersion } from '../../seen-version.ts'
import { beginCaptureAlone } from '../begin-capture.ts'
import type { DatabasePosition } from '../recovery-point.ts'
import { changeTransition } from './change-transition.ts'
import { readOptions } from './read-transitions.ts'
import type { Transition } from './transition.ts'

/**
 * Keeps the resource now, as the point to go back to after this change, without waiting for it to be near. When it is near another one is
 * kept, which takes its place. `busy` while another point of the resource is being captured; `conflict` when the change has begun, is over, or
 * nothing can be kept.
 */
export async function preserveTransition(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number; readonly database?: DatabasePosition | undefined },
): Promise<Operation> {
  requireRole(principal, 'operator')
  const transition = await control.database.stores.transitions.find(principal.projectId, input.id)
  if (transition === undefined) throw notFound('transition')
  requireSeenVersion(transition, input.seenVersion)
  const option = (await readOptions(control, transition)).find(({ action }) => action === 'keep-recovery-point')
  if (option?.possible !== true) throw new AppError('conflict', `It cannot be preserved. ${option?.how ?? 'Its resource is gone.'}`)
  return begin(control, transition, actorOf(principal), input.database)
}

function begin(control: Control, transition: Transition, actor: string, database: DatabasePosition | undefined): Promise<Operation> {
  return control.database.transaction(async (stores) => {
    const resource = await stores.resources.find(transition.projectId, transition.resourceId)
    if (resource === undefined) throw notFound('resource')
    const reason = `Before ${transition.reason}`.slice(0, 500)
    const { operation, pointId } = await beginCaptureAlone(control, stores, { resource, reason, requestedBy: actor, database })
    await changeTransition(control, stores, transition, { pointId }, { what: 'preserve_started', actor, operationId: operation.id })
    return operation
  })
}
