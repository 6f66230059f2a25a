import { promoteShadow as contract } from '@understudy/contract'
import { promoteShadow } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const promoteShadowRoute = route(contract, async (call) =>
  accepted(call, await promoteShadow(call.control, call.principal, { ...call.body, id: call.params.id })),
)
