import { skipStep as contract } from '@understudy/contract'
import { skipStep } from '@understudy/control'
import { ringFor } from '../../http/accepted.ts'
import { ok, route } from '../../http/route.ts'
import { operationSummary } from '../../views/operation.ts'

export const skipStepRoute = route(contract, async ({ control, deps, principal, params, body }) => {
  const operation = await skipStep(control, principal, { id: params.id, step: body.step })
  ringFor(deps, operation)
  return ok(operationSummary(operation))
})
