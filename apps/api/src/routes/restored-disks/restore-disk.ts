import { restoreDisk as contract } from '@understudy/contract'
import { restoreDisk } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const restoreDiskRoute = route(contract, async (call) =>
  accepted(call, await restoreDisk(call.control, call.principal, { ...call.body, id: call.params.id })),
)
