import { listTestRollbacks as contract } from '@understudy/contract'
import { listRestoreDrills } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { testRollbackView } from '../../views/test-rollback.ts'

export const listTestRollbacksRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, recoveryPointId, ...filter } = call.query
  const which = { ...filter, ...(recoveryPointId === undefined ? {} : { pointId: recoveryPointId }) }
  return pageAnswer(call, await listRestoreDrills(call.control, call.principal, { ...which, ...call.page }), testRollbackView)
})
