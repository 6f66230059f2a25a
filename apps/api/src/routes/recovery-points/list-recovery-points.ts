import { listRecoveryPoints as contract } from '@understudy/contract'
import { listRecoveryPoints } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { recoveryPointView } from '../../views/recovery-point.ts'

export const listRecoveryPointsRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  return pageAnswer(call, await listRecoveryPoints(call.control, call.principal, { ...filter, ...call.page }), recoveryPointView)
})
