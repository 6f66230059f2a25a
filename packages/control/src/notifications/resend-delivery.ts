import { AppError, notFound, now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { deliveriesBell } from './new-delivery.ts'
import type { Delivery } from './webhook.ts'

/**
 * Sends a delivery once more, now, with the same id and body, and with all its attempts before it again. One that still waits is
 * only brought forward. `conflict` when its endpoint is disabled.
 */
export async function resendDelivery(control: Control, principal: Principal, input: { readonly id: string }): Promise<Delivery> {
  requireRole(principal, 'operator')
  return control.database.transaction(async (stores) => {
    const before = await stores.webhooks.findDelivery(principal.projectId, input.id)
    const endpoint = before && (await stores.webhooks.find(principal.projectId, before.endpointId))
    if (before === undefined || endpoint === undefined) throw notFound('delivery')
    if (endpoint.status === 'disabled') throw new AppError('conflict', `Its endpoint is disabled. ${endpoint.disabledReason ?? ''} Enable it first.`)
    const at = now(control.clock)
    const delivery: Delivery = {
      ...before,
      status: 'pending',
      attempts: before.status === 'pending' ? before.attempts : 0,
      nextAttemptAt: at,
      finishedAt: undefined,
    }
    await stores.webhooks.updateDelivery(delivery)
    await stores.audit.append([
      {
        projectId: delivery.projectId,
        at,
        actor: actorOf(principal),
        action: 'notifications.delivery_resent',
        target: delivery.id,
        details: { endpointId: endpoint.id },
      },
    ])
    await stores.outbox.append([deliveriesBell(control)])
    return delivery
  })
}
