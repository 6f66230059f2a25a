import { AppError, notFound, now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { deliveriesBell, newDelivery } from './new-delivery.ts'
import type { Delivery } from './webhook.ts'

/** Sends an event that tells of nothing, to this endpoint alone and whatever its types are. `conflict` when it is disabled. */
export async function testWebhook(control: Control, principal: Principal, input: { readonly id: string }): Promise<Delivery> {
  requireRole(principal, 'operator')
  return control.database.transaction(async (stores) => {
    const endpoint = await stores.webhooks.find(principal.projectId, input.id)
    if (endpoint === undefined) throw notFound('webhook endpoint')
    if (endpoint.status === 'disabled') throw new AppError('conflict', `The endpoint is disabled. ${endpoint.disabledReason ?? ''} Enable it first.`)
    const at = now(control.clock)
    const delivery = newDelivery(control, endpoint, {
      // Not in the log: nobody else is told.
      sequence: 0,
      id: control.ids.next('event'),
      projectId: endpoint.projectId,
      type: 'io.understudy.notifications.webhook_tested.v1',
      subject: `webhook-endpoints/${endpoint.id}`,
      at,
      expiresAt: undefined,
      data: { id: endpoint.id, requestedBy: actorOf(principal) },
    })
    await stores.webhooks.insertDeliveries([delivery])
    await stores.audit.append([
      {
        projectId: endpoint.projectId,
        at,
        actor: actorOf(principal),
        action: 'notifications.webhook_tested',
        target: endpoint.id,
        details: { deliveryId: delivery.id },
      },
    ])
    await stores.outbox.append([deliveriesBell(control)])
    return delivery
  })
}
