import { announceTransition as contract } from '@understudy/contract'
import { announceTransition } from '@understudy/control'
import { created, route } from '../../http/route.ts'
import { transitionView } from '../../views/transition.ts'

export const announceTransitionRoute = route(contract, async ({ control, principal, body }) => {
  const { startsAt, latestStart, ...rest } = body
  const times = { startsAt: new Date(startsAt), latestStart: latestStart === undefined ? undefined : new Date(latestStart) }
  const transition = await announceTransition(control, principal, { ...rest, ...times })
  return created(transitionView(transition), `/v1/transitions/${transition.id}`)
})
