import { rehearseTransition as contract } from '@understudy/contract'
import { rehearseTransition } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const rehearseTransitionRoute = route(contract, async (call) =>
  accepted(call, await rehearseTransition(call.control, call.principal, { ...call.body, id: call.params.id })),
)
