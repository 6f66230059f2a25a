import { disarmShadow as contract } from '@understudy/contract'
import { disarmShadow } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const disarmShadowRoute = route(contract, async (call) =>
  accepted(call, await disarmShadow(call.control, call.principal, { id: call.params.id })),
)
