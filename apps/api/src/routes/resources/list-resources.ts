import { listResources as contract } from '@understudy/contract'
import { listResources } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { resourceView } from '../../views/resource.ts'

export const listResourcesRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  return pageAnswer(call, await listResources(call.control, call.principal, { ...filter, ...call.page }), resourceView)
})
