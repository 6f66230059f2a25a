import type { Control, DomainEvent } from '@understudy/control'
import type { Logger } from '@understudy/telemetry'
import { poller } from './poller.ts'

const batch = 500

interface Subscriber {
  readonly projectId: string
  position: number
  /** Live events wait here until what came before them has been read. */
  waiting: DomainEvent[] | undefined
  readonly deliver: (event: DomainEvent) => void
}

/**
 * One reader of the event log for all streams of the process. A subscriber first reads what it has missed by itself, while live
 * events wait; then it only listens.
 */
export class EventFeed {
  readonly #control: Control
  readonly #logger: Logger
  readonly #everyMs: number
  readonly #subscribers = new Set<Subscriber>()
  /** Set while it reads or begins to: only one may begin, or a later one would move the position past events not yet read. */
  #running: Promise<{ stop(): void }> | undefined
  #position = 0

  constructor(control: Control, logger: Logger, everyMs: number) {
    this.#control = control
    this.#logger = logger
    this.#everyMs = everyMs
  }

  /** Delivers, in order and once each, the project's events after `after` (undefined: from now on). Returns how to stop. */
  async subscribe(options: {
    readonly projectId: string
    readonly after: number | undefined
    readonly deliver: (event: DomainEvent) => void
  }): Promise<() => void> {
    const { events } = this.#control.database.stores
    const position = options.after ?? (await events.lastSequence())
    const subscriber: Subscriber = { projectId: options.projectId, position, waiting: [], deliver: options.deliver }
    this.#subscribers.add(subscriber)
    const leave = (): void => {
      this.#subscribers.delete(subscriber)
      if (this.#subscribers.size === 0) this.#stop()
    }
    try {
      this.#running ??= this.#start()
      await this.#running
      await this.#catchUp(subscriber)
    } catch (error) {
      leave()
      throw error
    }
    return leave
  }

  async #start(): Promise<{ stop(): void }> {
    this.#position = await this.#control.database.stores.events.lastSequence()
    return poller(this.#control.clock, {
      everyMs: this.#everyMs,
      poll: () => this.#poll(),
      onError: (error) => this.#logger.warn('event_feed_failed', { error }),
    })
  }

  #stop(): void {
    this.#running?.then((running) => running.stop()).catch(() => undefined) // One that could not begin has nothing to stop.
    this.#running = undefined
  }

  async #poll(): Promise<void> {
    for (;;) {
      const events = await this.#control.database.stores.events.listAfter(this.#position, { limit: batch })
      for (const event of events) {
        this.#position = event.sequence
        for (const subscriber of this.#subscribers) if (subscriber.projectId === event.projectId) offer(subscriber, event)
      }
      if (events.length < batch) return
    }
  }

  async #catchUp(subscriber: Subscriber): Promise<void> {
    const { projectId } = subscriber
    for (;;) {
      const events = await this.#control.database.stores.events.listAfter(subscriber.position, { projectId, limit: batch })
      for (const event of events) give(subscriber, event)
      if (events.length < batch) break
    }
    const waited = subscriber.waiting ?? []
    subscriber.waiting = undefined
    for (const event of waited) give(subscriber, event)
  }
}

function offer(subscriber: Subscriber, event: DomainEvent): void {
  if (subscriber.waiting) subscriber.waiting.push(event)
  else give(subscriber, event)
}

function give(subscriber: Subscriber, event: DomainEvent): void {
  if (event.sequence <= subscriber.position) return
  subscriber.position = event.sequence
  subscriber.deliver(event)
}
