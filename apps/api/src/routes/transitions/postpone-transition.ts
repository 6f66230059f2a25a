import { postponeTransition as contract } from '@understudy/contract'
import { postponeTransition } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { ok, route } from '../../http/route.ts'
import { transitionView } from '../../views/transition.ts'

export const postponeTransitionRoute = route(contract, async (call) => {
  const { control, principal, params, body, seenVersion } = call
  const done = await postponeTransition(control, principal, { id: params.id, seenVersion, until: new Date(body.until) })
  return 'operation' in done ? accepted(call, done.operation) : ok(transitionView(done.transition))
})
