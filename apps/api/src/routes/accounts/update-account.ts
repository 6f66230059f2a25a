import { updateAccount as contract } from '@understudy/contract'
import { updateAccount } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { accountView } from '../../views/account.ts'

export const updateAccountRoute = route(contract, async ({ control, principal, params, body, seenVersion }) =>
  ok(accountView(await updateAccount(control, principal, { ...body, id: params.id, seenVersion }))),
)
