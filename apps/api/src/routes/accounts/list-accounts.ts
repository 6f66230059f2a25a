import { listAccounts as contract } from '@understudy/contract'
import { listAccounts } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { accountView } from '../../views/account.ts'

export const listAccountsRoute = route(contract, async (call) =>
  pageAnswer(call, await listAccounts(call.control, call.principal, call.page), accountView),
)
