import { notFound } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { requireSeenVersion, swap } from '../seen-version.ts'

/** Removes an endpoint with its deliveries, those that wait too. Needs `admin`. */
export async function deleteWebhook(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<void> {
  requireRole(principal, 'admin')
  await control.database.transaction(async (stores) => {
    const endpoint = await stores.webhooks.find(principal.projectId, input.id)
    if (endpoint === undefined) throw notFound('webhook endpoint')
    requireSeenVersion(endpoint, input.seenVersion)
    await swap(stores.webhooks.delete(principal.projectId, endpoint.id, input.seenVersion))
    await recordChange(control, stores, {
      projectId: endpoint.projectId,
      actor: actorOf(principal),
      what: 'notifications.webhook_deleted',
      subject: `webhook-endpoints/${endpoint.id}`,
      data: { host: new URL(endpoint.url).host },
    })
  })
}
