import { notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import type { Operation, Timeline } from './operation.ts'

/** An operation and everything that has happened in it so far, oldest first. */
export async function getOperation(
  control: Control,
  principal: Principal,
  input: { readonly id: string },
): Promise<{ readonly operation: Operation; readonly timeline: Timeline }> {
  requireRole(principal, 'viewer')
  const { operations } = control.database.stores
  // The timeline is read first: an operation that ends in between is then shown with at least its present status.
  const known = await operations.find(principal.projectId, input.id)
  if (known === undefined) throw notFound('operation')
  const timeline = await operations.timeline(known.id)
  return { operation: known, timeline }
}
