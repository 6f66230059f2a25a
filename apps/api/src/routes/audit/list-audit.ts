import { listAudit as contract } from '@understudy/contract'
import { listAudit } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { auditEntryView } from '../../views/access.ts'

export const listAuditRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  return pageAnswer(call, await listAudit(call.control, call.principal, { ...filter, ...call.page }), auditEntryView)
})
