import type { Database } from '@understudy/control'
import type { Clock, JsonObject } from '@understudy/core'
import type { OpenQueue } from './queue.ts'

export interface OutboxRelay {
  /** Delivers what waits now. Calls while one is under way are joined into one more. */
  poke(): void
  stop(): Promise<void>
}

const batchMax = 500
const usualEveryMs = 250
/** After a failed delivery the rows come back after this long. */
const leaseMs = 5000

/** Carries outbox rows to the queue, at least once: a row goes only after the queue has it. */
export function startOutboxRelay(options: {
  readonly database: Database
  readonly queue: OpenQueue
  readonly clock: Clock
  readonly onError: (error: unknown) => void
  /** Default 250 ms. */
  readonly everyMs?: number
}): OutboxRelay {
  const { database, queue, clock } = options
  let stopped = false
  let running: Promise<void> | undefined
  let again = false
  let cancelTimer = (): void => undefined

  const carry = async (): Promise<void> => {
    for (;;) {
      const messages = await database.stores.outbox.claim({ limit: batchMax, at: new Date(clock.nowMs()), leaseMs })
      if (messages.length === 0) return
      // Equal keys that wait together are one job.
      const distinct = new Map(messages.map((message) => [`${message.topic} ${message.key}`, message]))
      await queue.deliver([...distinct.values()].map(({ topic, payload, priority }) => ({ topic, payload: payload as JsonObject, priority })))
      await database.stores.outbox.remove(messages.map((message) => message.id))
      if (messages.length < batchMax) return
    }
  }
  const run = (): void => {
    if (stopped) return
    if (running) {
      again = true
      return
    }
    cancelTimer()
    running = carry()
      .catch(options.onError)
      .then(() => {
        running = undefined
        if (again) {
          again = false
          run()
        } else if (!stopped) cancelTimer = clock.schedule(options.everyMs ?? usualEveryMs, run)
      })
  }
  cancelTimer = clock.schedule(0, run)
  return {
    poke: run,
    async stop() {
      stopped = true
      cancelTimer()
      await running
    },
  }
}
