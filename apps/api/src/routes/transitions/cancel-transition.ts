import { cancelTransition as contract } from '@understudy/contract'
import { cancelTransition } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { transitionView } from '../../views/transition.ts'

export const cancelTransitionRoute = route(contract, async ({ control, principal, params, seenVersion }) =>
  ok(transitionView(await cancelTransition(control, principal, { id: params.id, seenVersion }))),
)
