import { notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { RecoveryPoint, RecoveryPointStatus } from './recovery-point.ts'
import { resourceSpace } from './space.ts'
import type { ResourceSpace } from './space.ts'

/** With its manifest. */
export async function getRecoveryPoint(control: Control, principal: Principal, input: { readonly id: string }): Promise<RecoveryPoint> {
  requireRole(principal, 'viewer')
  const point = await control.database.stores.recoveryPoints.find(principal.projectId, input.id)
  if (point === undefined) throw notFound('recovery point')
  return point
}

/** Of one resource: with what all of its points take, whichever of them are listed. */
export interface RecoveryPointPage extends Page<RecoveryPoint> {
  readonly space?: ResourceSpace
}

/** Newest first, without manifests. */
export async function listRecoveryPoints(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly resourceId?: string | undefined; readonly status?: RecoveryPointStatus | undefined },
): Promise<RecoveryPointPage> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const { recoveryPoints } = control.database.stores
  const points = await recoveryPoints.list(principal.projectId, {
    ...query,
    ...(input.resourceId === undefined ? {} : { resourceId: input.resourceId }),
    ...(input.status === undefined ? {} : { status: input.status }),
  })
  const page = pageOf(points, size, idOf)
  if (input.resourceId === undefined) return page
  return { ...page, space: resourceSpace(await recoveryPoints.sumSpace(principal.projectId, input.resourceId)) }
}
