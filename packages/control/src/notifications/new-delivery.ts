import { now } from '@understudy/core'
import type { Control } from '../context.ts'
import type { DomainEvent, OutboxMessage } from '../journal/journal.ts'
import { cloudEvent, cloudEventText, eventSource } from './cloud-event.ts'
import type { Delivery, WebhookEndpoint } from './webhook.ts'
import { wakeReconciler } from '../reconcilers/wake-reconciler.ts'

/** What Standard Webhooks asks senders to stay below. */
const bodyBytesMax = 20_000

/** An event as it waits to be sent to one endpoint, due at once. */
export function newDelivery(
  control: Pick<Control, 'clock' | 'ids' | 'settings'>,
  endpoint: Pick<WebhookEndpoint, 'id' | 'projectId'>,
  event: DomainEvent,
): Delivery {
  const at = now(control.clock)
  return {
    id: control.ids.next('delivery'),
    projectId: endpoint.projectId,
    endpointId: endpoint.id,
    eventId: event.id,
    eventType: event.type,
    status: 'pending',
    attempts: 0,
    nextAttemptAt: at,
    lastStatusCode: undefined,
    lastError: undefined,
    createdAt: at,
    finishedAt: undefined,
    body: cloudEventText(cloudEvent(event, eventSource(control.settings)), bodyBytesMax),
  }
}

export const deliveriesReconcilerName = 'webhook-deliveries'

/** The bell for whoever sends what is due. */
export const deliveriesBell = (control: Pick<Control, 'clock' | 'ids'>): OutboxMessage => wakeReconciler(control, deliveriesReconcilerName, 30)
