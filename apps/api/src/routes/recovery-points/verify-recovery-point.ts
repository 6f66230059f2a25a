import { verifyRecoveryPoint as contract } from '@understudy/contract'
import { verifyRecoveryPoint } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const verifyRecoveryPointRoute = route(contract, async (call) =>
  accepted(call, await verifyRecoveryPoint(call.control, call.principal, { id: call.params.id, share: call.body?.share })),
)
