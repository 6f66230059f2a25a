import { sleep } from '@understudy/core'
import { deliver } from './deliver.ts'
import type { DeliveringControl } from './deliver.ts'
import type { WebhookSender } from './webhook-sender.ts'
import type { Delivery } from './webhook.ts'

/** How many are under way at once, in all and to one endpoint, and how many may wait for that beside them. */
const atOnceMax = 16
const atOncePerEndpointMax = 4
const waitingMax = 32

/** An endpoint that has taken this long over something gets nothing more for now: one that hangs must not hold up the others. */
const slowMs = 2000
const postponeMs = 30_000
const lookAgainMs = 500

interface Attempt {
  readonly endpointId: string
  readonly startedMs: number
}

/** The deliveries of one pass that were claimed: under way, or waiting for their turn at their endpoint. */
export class DeliveryLanes {
  attempts = 0
  postponed = 0
  readonly #control: DeliveringControl
  readonly #sender: WebhookSender
  readonly #running = new Map<Promise<void>, Attempt>()
  /** Endpoints that did not answer in this pass. */
  readonly #silent = new Set<string>()
  #waiting: readonly Delivery[] = []
  #failure: { readonly error: unknown } | undefined

  constructor(control: DeliveringControl, sender: WebhookSender) {
    this.#control = control
    this.#sender = sender
  }

  /** How many more may be claimed. */
  get room(): number {
    return waitingMax - this.#waiting.length
  }

  get isEmpty(): boolean {
    return this.#running.size === 0 && this.#waiting.length === 0
  }

  /** Takes these, starts what may start, and puts off what its endpoint has no time for. */
  async take(deliveries: readonly Delivery[]): Promise<void> {
    const stillWaiting: Delivery[] = []
    for (const delivery of [...this.#waiting, ...deliveries]) {
      if (this.#isStalled(delivery.endpointId)) await this.#postpone(delivery)
      else if (this.#running.size < atOnceMax && this.#crowd(delivery.endpointId) < atOncePerEndpointMax) this.#start(delivery)
      else stillWaiting.push(delivery)
    }
    this.#waiting = stillWaiting
  }

  /** Waits until something ends, and looks up now and then: something may be due, or an endpoint may have stalled. */
  async someEnds(): Promise<void> {
    const waited = new AbortController()
    const pause = sleep(this.#control.clock, lookAgainMs, waited.signal).catch(() => undefined)
    await Promise.race([...this.#running.keys(), pause])
    waited.abort()
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #isStalled(endpointId: string): boolean {
    if (this.#silent.has(endpointId)) return true
    const sinceMs = this.#control.clock.nowMs() - slowMs
    return [...this.#running.values()].some((attempt) => attempt.endpointId === endpointId && attempt.startedMs <= sinceMs)
  }

  #crowd(endpointId: string): number {
    return [...this.#running.values()].filter((attempt) => attempt.endpointId === endpointId).length
  }

  #start(delivery: Delivery): void {
    this.attempts++
    const attempt = this.#attempt(delivery).finally(() => this.#running.delete(attempt))
    this.#running.set(attempt, { endpointId: delivery.endpointId, startedMs: this.#control.clock.nowMs() })
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
  async #postpone(delivery: Delivery): Promise<void> {
    this.postponed++
    const nextAttemptAt = new Date(this.#control.clock.nowMs() + postponeMs)
    await this.#control.database.stores.webhooks.updateDelivery({ ...delivery, nextAttemptAt })
  }
}
