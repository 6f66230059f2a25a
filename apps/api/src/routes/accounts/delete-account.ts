import { deleteAccount as contract } from '@understudy/contract'
import { deleteAccount } from '@understudy/control'
import { done, route } from '../../http/route.ts'

export const deleteAccountRoute = route(contract, async ({ control, principal, params, seenVersion }) => {
  await deleteAccount(control, principal, { id: params.id, seenVersion })
  return done
})
