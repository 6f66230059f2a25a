import { listWebhooks as contract } from '@understudy/contract'
import { listWebhooks } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { webhookView } from '../../views/webhook.ts'

export const listWebhooksRoute = route(contract, async (call) =>
  pageAnswer(call, await listWebhooks(call.control, call.principal, call.page), webhookView),
)
