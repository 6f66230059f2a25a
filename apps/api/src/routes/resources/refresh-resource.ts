import { refreshResource as contract } from '@understudy/contract'
import { refreshResource } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const refreshResourceRoute = route(contract, async (call) =>
  accepted(call, await refreshResource(call.control, call.principal, { id: call.params.id })),
)
