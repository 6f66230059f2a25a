import { createAccount as contract } from '@understudy/contract'
import { createAccount } from '@understudy/control'
import { created, route } from '../../http/route.ts'
import { accountView } from '../../views/account.ts'

export const createAccountRoute = route(contract, async ({ control, principal, body }) => {
  const account = await createAccount(control, principal, body)
  return created(accountView(account), `/v1/accounts/${account.id}`)
})
