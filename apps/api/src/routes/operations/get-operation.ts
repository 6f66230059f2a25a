import { getOperation as contract } from '@understudy/contract'
import { getOperation } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { operationView } from '../../views/operation.ts'

export const getOperationRoute = route(contract, async ({ control, deps, principal, params }) =>
  ok(operationView(await getOperation(control, principal, { id: params.id }), deps.procedures)),
)
