import { listOperations as contract } from '@understudy/contract'
import { listOperations } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { operationSummary } from '../../views/operation.ts'

export const listOperationsRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  return pageAnswer(call, await listOperations(call.control, call.principal, { ...filter, ...call.page }), operationSummary)
})
