import { armShadow as contract } from '@understudy/contract'
import { armShadow } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { route } from '../../http/route.ts'

export const armShadowRoute = route(contract, async (call) => accepted(call, await armShadow(call.control, call.principal, { id: call.params.id })))
