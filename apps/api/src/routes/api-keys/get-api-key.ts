import { getApiKey as contract } from '@understudy/contract'
import { getApiKey } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { apiKeyView } from '../../views/access.ts'

export const getApiKeyRoute = route(contract, async ({ control, principal, params }) =>
  ok(apiKeyView(await getApiKey(control, principal, { id: params.id }))),
)
