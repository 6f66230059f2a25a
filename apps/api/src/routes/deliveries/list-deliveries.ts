import { listDeliveries as contract } from '@understudy/contract'
import { listDeliveries } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { deliveryView } from '../../views/webhook.ts'

export const listDeliveriesRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  return pageAnswer(call, await listDeliveries(call.control, call.principal, { ...filter, ...call.page }), deliveryView)
})
