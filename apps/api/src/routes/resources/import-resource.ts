import { importResource as contract } from '@understudy/contract'
import { importResource } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const importResourceRoute = route(contract, async (call) => accepted(call, await importResource(call.control, call.principal, call.body)))
