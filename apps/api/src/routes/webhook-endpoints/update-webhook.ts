import { updateWebhook as contract } from '@understudy/contract'
import { updateWebhook } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { webhookView } from '../../views/webhook.ts'

export const updateWebhookRoute = route(contract, async ({ control, principal, params, body, seenVersion }) =>
  ok(webhookView(await updateWebhook(control, principal, { ...body, id: params.id, seenVersion }))),
)
