import { listCompliance as contract } from '@understudy/contract'
import type { ComplianceEntry as View } from '@understudy/contract'
import { listCompliance } from '@understudy/control'
import type { ComplianceEntry } from '@understudy/control'
import type { z } from 'zod'
import { pageAnswer, route } from '../../http/route.ts'
import { present, timeText } from '../../views/optional.ts'
import { resourceSpaceView } from '../../views/recovery-point.ts'

export const listComplianceRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  return pageAnswer(call, await listCompliance(call.control, call.principal, { ...filter, ...call.page }), entryOf)
})

const entryOf = ({ projectId: _project, ...row }: ComplianceEntry): z.input<typeof View> =>
  present({
    ...row,
    newestPointAt: timeText(row.newestPointAt),
    restoreProvenAt: timeText(row.restoreProvenAt),
    violations: [...row.violations],
    space: resourceSpaceView(row.space),
  })
