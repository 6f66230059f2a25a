import { notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import type { Resource } from './resource.ts'

export async function getResource(control: Control, principal: Principal, input: { readonly id: string }): Promise<Resource> {
  requireRole(principal, 'viewer')
  const resource = await control.database.stores.resources.find(principal.projectId, input.id)
  if (resource === undefined) throw notFound('resource')
  return resource
}
