import { AppError, now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { refuseInvalid } from '../fields.ts'
import { recordChange } from '../journal/record-change.ts'
import { checkDestinationUrl } from './destination.gate.ts'
import { newWebhookSecret } from './sign.ts'
import { webhookFieldErrors } from './webhook-fields.ts'
import type { WebhookEndpoint } from './webhook.ts'

const endpointsMax = 50

/** Where a team wants to be told of events from now on. The signing secret is answered once. Needs `admin`. */
export async function createWebhook(
  control: Control,
  principal: Principal,
  input: { readonly url: string; readonly description?: string | undefined; readonly types?: readonly string[] | undefined },
): Promise<{ readonly endpoint: WebhookEndpoint; readonly secret: string }> {
  requireRole(principal, 'admin')
  refuseInvalid(webhookFieldErrors(input))
  checkDestinationUrl(input.url, control.settings.webhookAllowedNetworks)
  const at = now(control.clock)
  const secret = newWebhookSecret()
  const endpoint: WebhookEndpoint = {
    id: control.ids.next('webhook'),
    projectId: principal.projectId,
    url: input.url,
    description: input.description ?? '',
    types: input.types ?? [],
    status: 'enabled',
    disabledReason: undefined,
    createdAt: at,
    updatedAt: at,
    version: 1,
  }
  const secrets = { current: control.vault.seal(secret, endpoint.id), previous: undefined, previousUntil: undefined }
  await control.database.transaction(async (stores) => {
    const present = await stores.webhooks.list(principal.projectId, { after: undefined, limit: endpointsMax })
    if (present.length >= endpointsMax) throw new AppError('conflict', `A project has at most ${endpointsMax} webhook endpoints. Delete one first.`)
    await stores.webhooks.insert(endpoint, secrets)
    await recordChange(control, stores, {
      projectId: endpoint.projectId,
      actor: actorOf(principal),
      what: 'notifications.webhook_created',
      subject: `webhook-endpoints/${endpoint.id}`,
      data: { host: new URL(endpoint.url).host, types: endpoint.types },
    })
  })
  return { endpoint, secret }
}
