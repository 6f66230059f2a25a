import { notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { Shadow, ShadowStatus } from './shadow.ts'

export async function getShadow(control: Control, principal: Principal, input: { readonly id: string }): Promise<Shadow> {
  requireRole(principal, 'viewer')
  const shadow = await control.database.stores.shadows.find(principal.projectId, input.id)
  if (!shadow) throw notFound('shadow')
  return shadow
}

export async function listShadows(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly resourceId?: string; readonly status?: ShadowStatus },
): Promise<Page<Shadow>> {
  requireRole(principal, 'viewer')
  const { pageSize: _pageSize, after: _after, ...filter } = input
  const { size, query } = pageQuery(input)
  return pageOf(await control.database.stores.shadows.list(principal.projectId, { ...filter, ...query }), size, idOf)
}
