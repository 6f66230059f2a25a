import { testWebhook as contract } from '@understudy/contract'
import { testWebhook } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { deliveryView } from '../../views/webhook.ts'

export const testWebhookRoute = route(contract, async ({ control, principal, params }) =>
  ok(deliveryView(await testWebhook(control, principal, { id: params.id }))),
)
