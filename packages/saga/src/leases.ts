import type { Clock } from '@understudy/core'
import type { Held } from './held.ts'
import type { Observe } from './observe.ts'
import type { SagaStore } from './store.ts'

export interface Leases {
  add(held: Held): void
  remove(held: Held): void
  /** Renews one lease now, to learn whether a cancellation is asked for. */
  askCancel(held: Held): Promise<void>
}

/**
 * Keeps the leases of all active operations with one timer: a renewal every quarter of the lease, so that two may be missed. An
 * operation whose lease could not be renewed is dropped by our own clock, a quarter before anybody else may claim it: time for
 * its step to end.
 */
export function createLeases(options: {
  readonly store: SagaStore
  readonly clock: Clock
  readonly runner: string
  readonly leaseMs: number
  readonly observe: Observe
}): Leases {
  const { store, clock, runner, leaseMs, observe } = options
  const active = new Set<Held>()
  let cancelTimer: (() => void) | undefined
  let renewingSinceMs: number | undefined
  const quarterMs = leaseMs / 4

  const lose = (held: Held): void => {
    active.delete(held)
    const { id: operationId, projectId, saga } = held.operation
    if (held.drop()) observe({ type: 'lease_lost', operationId, projectId, saga })
  }

  const renew = async (asked: readonly Held[]): Promise<void> => {
    if (asked.length === 0) return
    // Counted from before the call: by the store's reckoning the lease ends no earlier than by ours.
    const nowMs = clock.nowMs()
    const leases = asked.map(({ operation }) => ({ id: operation.id, generation: operation.generation }))
    try {
      const kept = new Map((await store.renew({ runner, leases, leaseMs, nowMs })).map((lease) => [lease.id, lease]))
      for (const held of asked) {
        if (!active.has(held)) continue
        const lease = kept.get(held.operation.id)
        if (lease === undefined) lose(held)
        else {
          held.leaseUntilMs = Math.max(held.leaseUntilMs, nowMs + leaseMs)
          if (lease.cancelRequested) held.requestCancel()
        }
      }
    } catch (error) {
      observe({ type: 'store_failed', call: 'renew', error })
    }
  }

  const tick = (): void => {
    cancelTimer = undefined
    const nowMs = clock.nowMs()
    for (const held of active) if (nowMs >= held.leaseUntilMs - quarterMs) lose(held)
    if (active.size === 0) return
    arm()
    // One renewal at a time; one that hangs is given up with the leases it was for.
    if (renewingSinceMs !== undefined && nowMs - renewingSinceMs < leaseMs) return
    renewingSinceMs = nowMs
    void renew([...active]).finally(() => {
      if (renewingSinceMs === nowMs) renewingSinceMs = undefined
    })
  }
  const arm = (): void => {
    cancelTimer = clock.schedule(quarterMs, tick)
  }

  return {
    add(held) {
      active.add(held)
      if (cancelTimer === undefined) arm()
    },
    remove(held) {
      active.delete(held)
      if (active.size > 0) return
      cancelTimer?.()
      cancelTimer = undefined
    },
    askCancel: (held) => held.whileHeld(renew([held])),
  }
}
