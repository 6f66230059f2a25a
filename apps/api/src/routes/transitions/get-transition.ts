import { getTransition as contract } from '@understudy/contract'
import { getTransition } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { transitionView } from '../../views/transition.ts'

export const getTransitionRoute = route(contract, async ({ control, principal, params }) => {
  const { transition, options } = await getTransition(control, principal, { id: params.id })
  return ok(transitionView(transition, options))
})
