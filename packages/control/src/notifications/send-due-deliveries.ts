import { now, sleep } from '@understudy/core'
import { deliver } from './deliver.ts'
import type { DeliveringControl } from './deliver.ts'
import type { WebhookSender } from './webhook-sender.ts'
import type { Delivery } from './webhook.ts'

/** How many are under way at once, in all and to one endpoint: one that hangs must not hold up the others. */
const atOnceMax = 16
const atOncePerEndpointMax = 4
/** Longer than an attempt takes; a worker that dies leaves its deliveries to others after this. */
const leaseMs = 60_000
/** A pass takes up nothing new after this. */
const passMs = 45_000
const lookAgainMs = 500
const crowdedWaitMs = 1000
const silentWaitMs = 30_000

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
  const lanes = new Lanes(control, sender)
  for (;;) {
    const room = atOnceMax - lanes.size
    const isOpen = clock.nowMs() < untilMs
    const due = room > 0 && isOpen ? await database.stores.webhooks.claimDue({ at: now(clock), limit: room, leaseMs }) : []
    for (const delivery of due) await lanes.take(delivery)
    if (due.length > 0) continue
    if (lanes.size === 0) break
    await lanes.someEnds()
  }
  lanes.throwFailure()
  return { attempts: lanes.attempts, postponed: lanes.postponed }
}

/** The attempts under way. */
class Lanes {
  attempts = 0
  postponed = 0
  readonly #control: DeliveringControl
  readonly #sender: WebhookSender
  readonly #running = new Map<Promise<void>, string>()
  /** Endpoints that did not answer in this pass: the rest of theirs waits for a later one. */
  readonly #silent = new Set<string>()
  #failure: { readonly error: unknown } | undefined

  constructor(control: DeliveringControl, sender: WebhookSender) {
    this.#control = control
    this.#sender = sender
  }

  get size(): number {
    return this.#running.size
  }

  async take(delivery: Delivery): Promise<void> {
    const { endpointId } = delivery
    const crowd = [...this.#running.values()].filter((id) => id === endpointId).length
    if (this.#silent.has(endpointId)) return this.#postpone(delivery, silentWaitMs)
    if (crowd >= atOncePerEndpointMax) return this.#postpone(delivery, crowdedWaitMs)
    this.attempts++
    const attempt = this.#attempt(delivery).finally(() => this.#running.delete(attempt))
    this.#running.set(attempt, endpointId)
  }

  async #attempt(delivery: Delivery): Promise<void> {
    try {
      const { timedOut } = await deliver(this.#control, this.#sender, delivery)
      if (timedOut) this.#silent.add(delivery.endpointId)
    } catch (error) {
      // Ours, not the endpoint's: the database, or a secret that cannot be opened. The lease runs out and it is tried again.
      this.#failure ??= { error }
    }
  }

  /** Not an attempt: the endpoint was not asked. */
  async #postpone(delivery: Delivery, waitMs: number): Promise<void> {
    this.postponed++
    await this.#control.database.stores.webhooks.updateDelivery({ ...delivery, nextAttemptAt: new Date(this.#control.clock.nowMs() + waitMs) })
  }

  /** Waits for a free lane, and looks up now and then in case something new is due. */
  async someEnds(): Promise<void> {
    const waited = new AbortController()
    const pause = sleep(this.#control.clock, lookAgainMs, waited.signal).catch(() => undefined)
    await Promise.race([...this.#running.keys(), pause])
    waited.abort()
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
