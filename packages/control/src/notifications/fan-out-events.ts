import type { Control } from '../context.ts'
import type { DomainEvent } from '../journal/journal.ts'
import { deliveriesBell, newDelivery } from './new-delivery.ts'
import { wantsType } from './webhook-fields.ts'
import type { Delivery, WebhookEndpoint } from './webhook.ts'

const eventsAtOnce = 500

export interface FanOut {
  readonly events: number
  readonly deliveries: number
  /** There may be more events than were read. */
  readonly more: boolean
}

/**
 * Turns the events since the last time into deliveries, one per endpoint that wants them. The deliveries and the new position of
 * the reader commit together, so an event is neither lost nor doubled, whatever happens to the worker.
 */
export async function fanOutEvents(control: Pick<Control, 'database' | 'clock' | 'ids' | 'settings'>): Promise<FanOut> {
  const { stores, transaction } = boundDatabase(control.database)
  const from = await stores.webhooks.cursor()
  // Read outside of the transaction: the store decides from the transactions still in flight how far a reader may go.
  const events = await stores.events.listAfter(from, { limit: eventsAtOnce })
  const last = events.at(-1)
  if (last === undefined) return { events: 0, deliveries: 0, more: false }
  const deliveries = await deliveriesOf(control, events)
  const isOurs = await transaction(async (inside) => {
    if (!(await inside.webhooks.advanceCursor(from, last.sequence))) return false
    await inside.webhooks.insertDeliveries(deliveries)
    if (deliveries.length > 0) await inside.outbox.append([deliveriesBell(control)])
    return true
  })
  // Another worker was faster: what it has left is for the next time.
  if (!isOurs) return { events: 0, deliveries: 0, more: true }
  return { events: events.length, deliveries: deliveries.length, more: events.length === eventsAtOnce }
}

const boundDatabase = (database: Control['database']) => ({ stores: database.stores, transaction: database.transaction.bind(database) })

async function deliveriesOf(control: Pick<Control, 'database' | 'clock' | 'ids' | 'settings'>, events: readonly DomainEvent[]): Promise<Delivery[]> {
  const endpoints = new Map<string, readonly WebhookEndpoint[]>()
  for (const projectId of new Set(events.map((event) => event.projectId))) {
    endpoints.set(projectId, await control.database.stores.webhooks.listEnabled(projectId))
  }
  return events.flatMap((event) =>
    (endpoints.get(event.projectId) ?? [])
      // A new endpoint is not told what happened before it was there.
      .filter((endpoint) => endpoint.createdAt <= event.at && wantsType(endpoint.types, event.type))
      .map((endpoint) => newDelivery(control, endpoint, event)),
  )
}
