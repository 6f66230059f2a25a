import { drillShadow as contract } from '@understudy/contract'
import { drillShadow } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const drillShadowRoute = route(contract, async (call) =>
  accepted(call, await drillShadow(call.control, call.principal, { id: call.params.id })),
)
