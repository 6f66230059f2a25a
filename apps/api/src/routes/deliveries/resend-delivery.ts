import { resendDelivery as contract } from '@understudy/contract'
import { resendDelivery } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { deliveryView } from '../../views/webhook.ts'

export const resendDeliveryRoute = route(contract, async ({ control, principal, params }) =>
  ok(deliveryView(await resendDelivery(control, principal, { id: params.id }))),
)
