import type { Reconciler } from '../reconcilers/reconciler.ts'
import { fanOutEvents } from './fan-out-events.ts'
import { deliveriesReconcilerName } from './new-delivery.ts'
import { sendDueDeliveries } from './send-due-deliveries.ts'
import type { WebhookSender } from './webhook-sender.ts'

/** Turns new events into deliveries. Nothing wakes it: it is how long an event waits at most. */
export const fanOutReconciler: Reconciler = {
  name: 'webhook-fan-out',
  everyMs: 1000,
  passMaxMs: 60_000,
  async pass(control) {
    const { events, deliveries, more } = await fanOutEvents(control)
    return { result: { events, deliveries }, ...(more ? { runAgainInMs: 0 } : {}) }
  },
}

/** Sends what is due. New deliveries wake it; retries are found on schedule. */
export const deliveriesReconciler = (sender: WebhookSender): Reconciler => ({
  name: deliveriesReconcilerName,
  everyMs: 2000,
  passMaxMs: 120_000,
  async pass(control) {
    return { result: { ...(await sendDueDeliveries(control, sender)) } }
  },
})
