import { getSignal as contract } from '@understudy/contract'
import { getSignal } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { signalView } from '../../views/signal.ts'

export const getSignalRoute = route(contract, async ({ control, principal, params }) =>
  ok(signalView(await getSignal(control, principal, { id: params.id }))),
)
