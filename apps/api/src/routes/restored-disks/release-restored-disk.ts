import { releaseRestoredDisk as contract } from '@understudy/contract'
import { releaseRestoredDisk } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const releaseRestoredDiskRoute = route(contract, async (call) =>
  accepted(call, await releaseRestoredDisk(call.control, call.principal, { id: call.params.id })),
)
