import { getAccount as contract } from '@understudy/contract'
import { getAccount } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { accountView } from '../../views/account.ts'

export const getAccountRoute = route(contract, async ({ control, principal, params }) =>
  ok(accountView(await getAccount(control, principal, { id: params.id }))),
)
