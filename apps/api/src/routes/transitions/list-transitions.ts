import { listTransitions as contract } from '@understudy/contract'
import { listTransitions } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { transitionView } from '../../views/transition.ts'

export const listTransitionsRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  return pageAnswer(call, await listTransitions(call.control, call.principal, { ...filter, ...call.page }), (item) => transitionView(item))
})
