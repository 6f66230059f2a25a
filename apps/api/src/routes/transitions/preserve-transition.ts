import { preserveTransition as contract } from '@understudy/contract'
import { preserveTransition } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const preserveTransitionRoute = route(contract, async (call) => {
  const { control, principal, params, body, seenVersion } = call
  return accepted(call, await preserveTransition(control, principal, { ...body, id: params.id, seenVersion }))
})
