import type { Clock } from '@understudy/core'
import { providerError } from '../provider-error.ts'
import type { TokenBucket } from '../provider.ts'
import type { CallContext } from '../refs.ts'

type Priority = CallContext['priority']
interface Waiter {
  readonly grant: () => void
}

/** One token bucket and those who wait for it. */
export interface TokenLane {
  /** Resolves when a token is there; rejects with `unavailable` when the signal aborts first. */
  take(priority: Priority, signal?: AbortSignal): Promise<void>
  /** Gives out nothing for this long. */
  pause(ms: number): void
}

/** `reservedShare` of the capacity is kept for `failover`; of a bucket with a single token nothing is. */
export function tokenLane(clock: Clock, { capacity, refillPerSecond }: TokenBucket, reservedShare: number): TokenLane {
  const reserved = Math.max(0, Math.min(capacity * reservedShare, capacity - 1))
  const queues: Readonly<Record<Priority, Set<Waiter>>> = { failover: new Set(), background: new Set() }
  let tokens = capacity
  let countedAtMs = clock.nowMs()
  let pausedUntilMs = 0
  let cancelTimer: (() => void) | undefined

  const refill = (): void => {
    const nowMs = clock.nowMs()
    tokens = Math.min(capacity, tokens + ((nowMs - countedAtMs) / 1000) * refillPerSecond)
    countedAtMs = nowMs
  }
  const neededFor = (priority: Priority): number => (priority === 'failover' ? 1 : 1 + reserved)
  const nextUp = (): Priority | undefined => (queues.failover.size > 0 ? 'failover' : queues.background.size > 0 ? 'background' : undefined)

  /** Grants what can be granted, and sets a timer for the rest. */
  const serve = (): void => {
    cancelTimer?.()
    cancelTimer = undefined
    refill()
    for (let priority = nextUp(); priority !== undefined; priority = nextUp()) {
      const shortBy = neededFor(priority) - tokens
      const waitMs = Math.max(pausedUntilMs - clock.nowMs(), shortBy > epsilon ? Math.ceil((shortBy / refillPerSecond) * 1000) : 0)
      if (waitMs > 0) {
        cancelTimer = clock.schedule(waitMs, serve)
        return
      }
      tokens -= 1
      const [waiter] = queues[priority]
      queues[priority].delete(waiter!) // the queue is not empty
      waiter!.grant()
    }
  }

  return {
    take: (priority, signal) =>
      new Promise((resolve, reject) => {
        const giveUp = (): void => {
          queues[priority].delete(waiter)
          serve()
          reject(providerError('unavailable', 'Aborted', 'The call was given up while it waited for the rate limit.', { cause: signal?.reason }))
        }
        const waiter: Waiter = {
          grant() {
            signal?.removeEventListener('abort', giveUp)
            resolve()
          },
        }
        if (signal?.aborted === true) return giveUp()
        queues[priority].add(waiter)
        signal?.addEventListener('abort', giveUp, { once: true })
        serve()
      }),
    pause(ms) {
      pausedUntilMs = Math.max(pausedUntilMs, clock.nowMs() + ms)
      serve()
    },
  }
}

/** Refilling in fractions leaves a sum a hair below a whole number. */
const epsilon = 1e-9
