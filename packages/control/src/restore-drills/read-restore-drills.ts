import { notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { RestoreDrill } from './restore-drill.ts'

export async function getRestoreDrill(control: Control, principal: Principal, { id }: { readonly id: string }): Promise<RestoreDrill> {
  requireRole(principal, 'viewer')
  const drill = await control.database.stores.restoreDrills.find(principal.projectId, id)
  if (drill === undefined) throw notFound('test rollback')
  return drill
}

/** Newest first. */
export async function listRestoreDrills(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly resourceId?: string | undefined; readonly pointId?: string | undefined },
): Promise<Page<RestoreDrill>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const drills = await control.database.stores.restoreDrills.list(principal.projectId, {
    ...query,
    ...(input.resourceId === undefined ? {} : { resourceId: input.resourceId }),
    ...(input.pointId === undefined ? {} : { pointId: input.pointId }),
  })
  return pageOf(drills, size, idOf)
}
