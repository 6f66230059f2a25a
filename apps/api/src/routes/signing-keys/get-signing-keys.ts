import { getSigningKeys as contract } from '@understudy/contract'
import { listSigningKeys } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { signingKeyView } from '../../views/signing-key.ts'

export const getSigningKeysRoute = route(contract, async (call) =>
  ok({ items: (await listSigningKeys(call.control, call.principal)).map((key) => signingKeyView(key)) }),
)
