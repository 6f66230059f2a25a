import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { Account } from './account.ts'

export async function listAccounts(control: Control, principal: Principal, input: PageInput): Promise<Page<Account>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  return pageOf(await control.database.stores.accounts.list(principal.projectId, query), size, idOf)
}
