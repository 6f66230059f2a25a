import { notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { RecoveryPoint, RecoveryPointStatus } from './recovery-point.ts'

/** With its manifest. */
export async function getRecoveryPoint(control: Control, principal: Principal, input: { readonly id: string }): Promise<RecoveryPoint> {
  requireRole(principal, 'viewer')
  const point = await control.database.stores.recoveryPoints.find(principal.projectId, input.id)
  if (point === undefined) throw notFound('recovery point')
  return point
}

/** Newest first, without manifests. */
export async function listRecoveryPoints(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly resourceId?: string | undefined; readonly status?: RecoveryPointStatus | undefined },
): Promise<Page<RecoveryPoint>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const points = await control.database.stores.recoveryPoints.list(principal.projectId, {
    ...query,
    ...(input.resourceId === undefined ? {} : { resourceId: input.resourceId }),
    ...(input.status === undefined ? {} : { status: input.status }),
  })
  return pageOf(points, size, idOf)
}
