import { notFound } from '@understudy/core'
import type { Control } from '../context.ts'
import type { ApiKey, Principal } from './access.ts'
import { requireRole } from './require-role.ts'

/** Everything about a key but its secret. Needs `admin`. */
export async function getApiKey(control: Control, principal: Principal, input: { readonly id: string }): Promise<ApiKey> {
  requireRole(principal, 'admin')
  const key = await control.database.stores.access.findKey(principal.projectId, input.id)
  if (key === undefined) throw notFound('API key')
  return key
}
