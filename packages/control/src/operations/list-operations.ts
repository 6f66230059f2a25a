import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { Operation } from './operation.ts'

/** Newest first. */
export async function listOperations(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly status?: string | undefined; readonly kind?: string | undefined; readonly resourceId?: string | undefined },
): Promise<Page<Operation>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const operations = await control.database.stores.operations.list(principal.projectId, {
    ...query,
    ...(input.status === undefined ? {} : { status: input.status }),
    ...(input.kind === undefined ? {} : { kind: input.kind }),
    ...(input.resourceId === undefined ? {} : { resourceId: input.resourceId }),
  })
  return pageOf(operations, size, idOf)
}
