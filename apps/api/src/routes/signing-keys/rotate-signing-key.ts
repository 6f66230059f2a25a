import { rotateSigningKey as contract } from '@understudy/contract'
import { rotateSigningKey } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { signingKeyView } from '../../views/signing-key.ts'

export const rotateSigningKeyRoute = route(contract, async (call) => ok(signingKeyView(await rotateSigningKey(call.control, call.principal))))
