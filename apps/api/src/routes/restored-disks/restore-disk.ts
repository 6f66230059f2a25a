import { restoreDisk as contract } from '@understudy/contract'
import { prepareRestoreDisk, restoreDisk } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { ok, route } from '../../http/route.ts'
import { restoreDiskPlanView } from '../../views/restored-disk.ts'

export const restoreDiskRoute = route(contract, async (call) => {
  const input = { ...call.body, id: call.params.id }
  if (call.query.validateOnly === 'true') return ok({ plan: restoreDiskPlanView(await prepareRestoreDisk(call.control, call.principal, input)) })
  return accepted(call, await restoreDisk(call.control, call.principal, input))
})
