import { createSignal as contract } from '@understudy/contract'
import { createSignal, priorities } from '@understudy/control'
import { ringFor } from '../../http/accepted.ts'
import { created, route } from '../../http/route.ts'
import { signalView } from '../../views/signal.ts'

export const createSignalRoute = route(contract, async ({ control, deps, principal, body }) => {
  const { deadline, canPostponeUntil, observedAt, ...rest } = body
  const signal = await createSignal(control, principal, {
    ...rest,
    ...(deadline === undefined ? {} : { deadline: new Date(deadline) }),
    ...(observedAt === undefined ? {} : { observedAt: new Date(observedAt) }),
    ...(canPostponeUntil === undefined ? {} : { canPostponeUntil: new Date(canPostponeUntil) }),
  })
  if (signal.operationId !== undefined) ringFor(deps, { id: signal.operationId, priority: priorities.interruption })
  return created(signalView(signal), `/v1/signals/${signal.id}`)
})
