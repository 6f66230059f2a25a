import { notFound } from '@understudy/core'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import { idOf, pageOf, pageQuery } from '../../page.ts'
import type { Page, PageInput } from '../../page.ts'
import type { RestoredDisk } from './restored-disk.ts'

export async function getRestoredDisk(control: Control, principal: Principal, { id }: { readonly id: string }): Promise<RestoredDisk> {
  requireRole(principal, 'viewer')
  const disk = await control.database.stores.restoredDisks.find(principal.projectId, id)
  if (disk === undefined) throw notFound('restored disk')
  return disk
}

/** Newest first. */
export async function listRestoredDisks(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly resourceId?: string | undefined; readonly pointId?: string | undefined },
): Promise<Page<RestoredDisk>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const disks = await control.database.stores.restoredDisks.list(principal.projectId, {
    ...query,
    ...(input.resourceId === undefined ? {} : { resourceId: input.resourceId }),
    ...(input.pointId === undefined ? {} : { pointId: input.pointId }),
  })
  return pageOf(disks, size, idOf)
}
