import { listRestoredDisks as contract } from '@understudy/contract'
import { listRestoredDisks } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { restoredDiskView } from '../../views/restored-disk.ts'

export const listRestoredDisksRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, recoveryPointId, ...filter } = call.query
  const which = { ...filter, ...(recoveryPointId === undefined ? {} : { pointId: recoveryPointId }) }
  return pageAnswer(call, await listRestoredDisks(call.control, call.principal, { ...which, ...call.page }), restoredDiskView)
})
