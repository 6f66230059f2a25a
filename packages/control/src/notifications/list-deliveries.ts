import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { Delivery } from './webhook.ts'

/** Newest first. */
export async function listDeliveries(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly endpointId?: string | undefined; readonly status?: string | undefined },
): Promise<Page<Delivery>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const deliveries = await control.database.stores.webhooks.listDeliveries(principal.projectId, {
    ...query,
    ...(input.endpointId === undefined ? {} : { endpointId: input.endpointId }),
    ...(input.status === undefined ? {} : { status: input.status }),
  })
  return pageOf(deliveries, size, idOf)
}
