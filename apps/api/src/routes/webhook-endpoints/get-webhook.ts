import { getWebhook as contract } from '@understudy/contract'
import { getWebhook } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { webhookView } from '../../views/webhook.ts'

export const getWebhookRoute = route(contract, async ({ control, principal, params }) =>
  ok(webhookView(await getWebhook(control, principal, { id: params.id }))),
)
