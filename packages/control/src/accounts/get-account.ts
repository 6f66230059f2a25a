import { notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import type { Account } from './account.ts'

export async function getAccount(control: Control, principal: Principal, input: { readonly id: string }): Promise<Account> {
  requireRole(principal, 'viewer')
  const account = await control.database.stores.accounts.find(principal.projectId, input.id)
  if (account === undefined) throw notFound('account')
  return account
}
