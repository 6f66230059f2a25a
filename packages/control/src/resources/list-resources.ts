import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { Resource } from './resource.ts'

export async function listResources(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly accountId?: string | undefined; readonly status?: string | undefined },
): Promise<Page<Resource>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const resources = await control.database.stores.resources.list(principal.projectId, {
    ...query,
    ...(input.accountId === undefined ? {} : { accountId: input.accountId }),
    ...(input.status === undefined ? {} : { status: input.status }),
  })
  return pageOf(resources, size, idOf)
}
