import { listApiKeys as contract } from '@understudy/contract'
import { listApiKeys } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { apiKeyView } from '../../views/access.ts'

export const listApiKeysRoute = route(contract, async (call) =>
  pageAnswer(call, await listApiKeys(call.control, call.principal, call.page), apiKeyView),
)
