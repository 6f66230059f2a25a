import { revokeApiKey as contract } from '@understudy/contract'
import { revokeApiKey } from '@understudy/control'
import { done, route } from '../../http/route.ts'

export const revokeApiKeyRoute = route(contract, async ({ control, principal, params }) => {
  await revokeApiKey(control, principal, { id: params.id })
  return done
})
