import { getRestoredDisk as contract } from '@understudy/contract'
import { getRestoredDisk } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { restoredDiskView } from '../../views/restored-disk.ts'

export const getRestoredDiskRoute = route(contract, async (call) =>
  ok(restoredDiskView(await getRestoredDisk(call.control, call.principal, { id: call.params.id }))),
)
