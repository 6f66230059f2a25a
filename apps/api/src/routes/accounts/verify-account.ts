import { verifyAccount as contract } from '@understudy/contract'
import { verifyAccount } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const verifyAccountRoute = route(contract, async (call) =>
  accepted(call, await verifyAccount(call.control, call.principal, { id: call.params.id })),
)
