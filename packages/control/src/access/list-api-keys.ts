import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { ApiKey, Principal } from './access.ts'
import { requireRole } from './require-role.ts'

/** Keys of the caller's project, revoked and expired ones too. Needs `admin`. */
export async function listApiKeys(control: Control, principal: Principal, input: PageInput): Promise<Page<ApiKey>> {
  requireRole(principal, 'admin')
  const { size, query } = pageQuery(input)
  return pageOf(await control.database.stores.access.listKeys(principal.projectId, query), size, idOf)
}
