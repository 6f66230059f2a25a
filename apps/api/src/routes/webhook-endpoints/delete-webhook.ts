import { deleteWebhook as contract } from '@understudy/contract'
import { deleteWebhook } from '@understudy/control'
import { done, route } from '../../http/route.ts'

export const deleteWebhookRoute = route(contract, async ({ control, principal, params, seenVersion }) => {
  await deleteWebhook(control, principal, { id: params.id, seenVersion })
  return done
})
