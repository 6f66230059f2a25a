import { getTestRollback as contract } from '@understudy/contract'
import { getRestoreDrill } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { testRollbackView } from '../../views/test-rollback.ts'

export const getTestRollbackRoute = route(contract, async (call) =>
  ok(testRollbackView(await getRestoreDrill(call.control, call.principal, { id: call.params.id }))),
)
