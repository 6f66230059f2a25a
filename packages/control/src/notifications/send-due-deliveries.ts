import { now } from '@understudy/core'
import type { DeliveringControl } from './deliver.ts'
import { DeliveryLanes } from './delivery-lanes.ts'
import type { WebhookSender } from './webhook-sender.ts'

/** Longer than what was claimed takes; a worker that dies leaves its deliveries to others after this. */
const leaseMs = 60_000
/** A pass takes up nothing new after this. */
const passMs = 45_000

/**
 * Sends what is due until nothing is, or for 45 s. Sent at least once: a worker that dies between the answer and its record sends
 * again, with the same id. Failures of the other side are recorded with the delivery and never thrown.
 */
export async function sendDueDeliveries(
  control: DeliveringControl,
  sender: WebhookSender,
): Promise<{ readonly attempts: number; readonly postponed: number }> {
  const { clock, database } = control
  const untilMs = clock.nowMs() + passMs
  const lanes = new DeliveryLanes(control, sender)
  for (;;) {
    const limit = clock.nowMs() < untilMs ? lanes.room : 0
    const due = limit > 0 ? await database.stores.webhooks.claimDue({ at: now(clock), limit, leaseMs }) : []
    await lanes.take(due)
    if (due.length > 0) continue
    if (lanes.isEmpty) break
    await lanes.someEnds()
  }
  lanes.throwFailure()
  return { attempts: lanes.attempts, postponed: lanes.postponed }
}
