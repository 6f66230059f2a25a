import { AppError, notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import type { Operation } from '../operations/operation.ts'
import { startTestRollback } from './start-test-rollback.ts'

/** Rehearses going back to what was kept for a transition. `conflict` while nothing is kept for it. */
export async function rehearseTransition(
  control: Control,
  principal: Principal,
  { id, ...asked }: Parameters<typeof startTestRollback>[2],
): Promise<Operation> {
  requireRole(principal, 'operator')
  const transition = await control.database.stores.transitions.find(principal.projectId, id)
  if (transition === undefined) throw notFound('transition')
  if (transition.pointId === undefined)
    throw new AppError('conflict', 'Nothing is kept for this transition yet: POST /v1/transitions/{id}:preserve does it now.')
  return startTestRollback(control, principal, { ...asked, id: transition.pointId })
}
