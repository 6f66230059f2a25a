import { listShadows as contract } from '@understudy/contract'
import { listShadows } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { shadowView } from '../../views/shadow.ts'

export const listShadowsRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  return pageAnswer(call, await listShadows(call.control, call.principal, { ...filter, ...call.page }), shadowView)
})
