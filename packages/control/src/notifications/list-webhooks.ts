import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { WebhookEndpoint } from './webhook.ts'

export async function listWebhooks(control: Control, principal: Principal, input: PageInput): Promise<Page<WebhookEndpoint>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  return pageOf(await control.database.stores.webhooks.list(principal.projectId, query), size, idOf)
}
