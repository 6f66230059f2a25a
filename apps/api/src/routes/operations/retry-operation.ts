import { retryOperation as contract } from '@understudy/contract'
import { retryOperation } from '@understudy/control'
import { ringFor } from '../../http/accepted.ts'
import { ok, route } from '../../http/route.ts'
import { operationSummary } from '../../views/operation.ts'

export const retryOperationRoute = route(contract, async ({ control, deps, principal, params }) => {
  const operation = await retryOperation(control, principal, { id: params.id })
  ringFor(deps, operation)
  return ok(operationSummary(operation))
})
