import { notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import type { WebhookEndpoint } from './webhook.ts'

export async function getWebhook(control: Control, principal: Principal, input: { readonly id: string }): Promise<WebhookEndpoint> {
  requireRole(principal, 'viewer')
  const endpoint = await control.database.stores.webhooks.find(principal.projectId, input.id)
  if (endpoint === undefined) throw notFound('webhook endpoint')
  return endpoint
}
