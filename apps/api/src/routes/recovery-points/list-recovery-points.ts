import { listRecoveryPoints as contract } from '@understudy/contract'
import { copiesOfPoints, listRecoveryPoints } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { recoveryPointView, resourceSpaceView } from '../../views/recovery-point.ts'

export const listRecoveryPointsRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  const found = await listRecoveryPoints(call.control, call.principal, { ...filter, ...call.page })
  const copies = await copiesOfPoints(
    call.control,
    call.principal,
    found.items.map(({ id }) => id),
  )
  const page = pageAnswer(call, found, (point) => recoveryPointView(point, copies.get(point.id)))
  return found.space === undefined ? page : { ...page, body: { ...page.body!, space: resourceSpaceView(found.space) } } // a page has a body
})
