import { notFound, now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { refuseInvalid } from '../fields.ts'
import { recordChange } from '../journal/record-change.ts'
import { requireSeenVersion, swap } from '../seen-version.ts'
import { checkDestinationUrl } from './destination.gate.ts'
import { webhookFieldErrors } from './webhook-fields.ts'
import type { WebhookEndpoint } from './webhook.ts'

export interface WebhookChange {
  readonly id: string
  readonly seenVersion: number
  readonly url?: string | undefined
  readonly description?: string | undefined
  readonly types?: readonly string[] | undefined
  readonly status?: WebhookEndpoint['status'] | undefined
}

/** `enabled` uses an endpoint again that a person or its own 410 has disabled; what happened meanwhile is not sent later. Needs `admin`. */
export async function updateWebhook(control: Control, principal: Principal, input: WebhookChange): Promise<WebhookEndpoint> {
  requireRole(principal, 'admin')
  refuseInvalid(webhookFieldErrors(input))
  if (input.url !== undefined) checkDestinationUrl(input.url, control.settings.webhookAllowedNetworks)
  return control.database.transaction(async (stores) => {
    const before = await stores.webhooks.find(principal.projectId, input.id)
    if (before === undefined) throw notFound('webhook endpoint')
    requireSeenVersion(before, input.seenVersion)
    const status = input.status ?? before.status
    const byPerson = before.status === 'enabled' ? `Disabled by ${actorOf(principal)}.` : before.disabledReason
    const endpoint: WebhookEndpoint = {
      ...before,
      url: input.url ?? before.url,
      description: input.description ?? before.description,
      types: input.types ?? before.types,
      status,
      disabledReason: status === 'enabled' ? undefined : byPerson,
      updatedAt: now(control.clock),
      version: before.version + 1,
    }
    await swap(stores.webhooks.update(endpoint, input.seenVersion))
    await recordChange(control, stores, {
      projectId: endpoint.projectId,
      actor: actorOf(principal),
      what: 'notifications.webhook_updated',
      subject: `webhook-endpoints/${endpoint.id}`,
      data: { changed: (['url', 'description', 'types', 'status'] as const).filter((field) => input[field] !== undefined), status },
    })
    return endpoint
  })
}
