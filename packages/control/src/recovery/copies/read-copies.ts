import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import type { RecoveryCopy } from './recovery-copy.ts'

/** Copies of points, by point. A point that has none is left out. */
export async function copiesOfPoints(
  control: Control,
  principal: Principal,
  pointIds: readonly string[],
): Promise<ReadonlyMap<string, readonly RecoveryCopy[]>> {
  requireRole(principal, 'viewer')
  if (pointIds.length === 0) return new Map()
  return Map.groupBy(await control.database.stores.recoveryCopies.listOf(principal.projectId, pointIds), ({ pointId }) => pointId)
}
