import { listRecoveryPoints as contract } from '@understudy/contract'
import { listRecoveryPoints } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { recoveryPointView, resourceSpaceView } from '../../views/recovery-point.ts'

export const listRecoveryPointsRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  const found = await listRecoveryPoints(call.control, call.principal, { ...filter, ...call.page })
  const page = pageAnswer(call, found, recoveryPointView)
  return found.space === undefined ? page : { ...page, body: { ...page.body!, space: resourceSpaceView(found.space) } } // a page has a body
})
