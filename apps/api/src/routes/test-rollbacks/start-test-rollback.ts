import { startTestRollback as contract } from '@understudy/contract'
import { startTestRollback } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const startTestRollbackRoute = route(contract, async (call) =>
  accepted(call, await startTestRollback(call.control, call.principal, { ...call.body, id: call.params.id })),
)
