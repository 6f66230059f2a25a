import { captureRecoveryPoint as contract } from '@understudy/contract'
import { captureRecoveryPoint } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const captureRecoveryPointRoute = route(contract, async (call) =>
  accepted(call, await captureRecoveryPoint(call.control, call.principal, call.body)),
)
