import { createApiKey as contract } from '@understudy/contract'
import { createApiKey } from '@understudy/control'
import { created, route } from '../../http/route.ts'
import { apiKeyView } from '../../views/access.ts'

export const createApiKeyRoute = route(contract, async ({ control, principal, body }) => {
  const { expiresAt, ...rest } = body
  const { key, secret } = await createApiKey(control, principal, { ...rest, ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }) })
  return created({ key: apiKeyView(key), secret }, `/v1/api-keys/${key.id}`)
})
