import { rotateWebhookSecret as contract } from '@understudy/contract'
import { rotateWebhookSecret } from '@understudy/control'
import { ok, route } from '../../http/route.ts'

export const rotateWebhookSecretRoute = route(contract, async ({ control, principal, params }) =>
  ok(await rotateWebhookSecret(control, principal, { id: params.id })),
)
