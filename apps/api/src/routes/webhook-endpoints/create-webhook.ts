import { createWebhook as contract } from '@understudy/contract'
import { createWebhook } from '@understudy/control'
import { created, route } from '../../http/route.ts'
import { webhookView } from '../../views/webhook.ts'

export const createWebhookRoute = route(contract, async ({ control, principal, body }) => {
  const { endpoint, secret } = await createWebhook(control, principal, body)
  return created({ endpoint: webhookView(endpoint), secret }, `/v1/webhook-endpoints/${endpoint.id}`)
})
