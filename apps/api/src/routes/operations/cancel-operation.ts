import { cancelOperation as contract } from '@understudy/contract'
import { cancelOperation } from '@understudy/control'
import { ringFor } from '../../http/accepted.ts'
import { ok, route } from '../../http/route.ts'
import { operationSummary } from '../../views/operation.ts'

export const cancelOperationRoute = route(contract, async ({ control, deps, principal, params }) => {
  const operation = await cancelOperation(control, principal, { id: params.id })
  ringFor(deps, operation)
  return ok(operationSummary(operation))
})
