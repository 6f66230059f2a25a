import { sleep } from '@understudy/core'
import type { Clock } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import { abortedError } from './errors.ts'

/** EC2 is eventually consistent: for about this long after it was made, an id may be answered with a 404 that means nothing. */
export const freshForMs = 60_000
const firstWaitMs = 250
const longestWaitMs = 4_000
/** Entries are dropped when asked about; above this many, all are asked about. */
const pruneAt = 5_000

/** Remembers which ids are so new that EC2 may not know them everywhere yet. */
export interface Freshness {
  note(nativeId: string, madeAtMs?: number): void
  isFresh(nativeId: string): boolean
  /** Repeats `attempt` while it answers `not_found` (or `undefined`) and one of the ids is fresh. */
  patiently<T>(nativeIds: readonly string[], attempt: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

export function freshness(clock: Clock): Freshness {
  const madeAt = new Map<string, number>()
  const isFresh = (nativeId: string): boolean => {
    const atMs = madeAt.get(nativeId)
    if (atMs === undefined) return false
    if (clock.nowMs() - atMs < freshForMs) return true
    madeAt.delete(nativeId)
    return false
  }
  return {
    isFresh,
    note(nativeId, madeAtMs = clock.nowMs()) {
      if (clock.nowMs() - madeAtMs >= freshForMs) return
      if (madeAt.size >= pruneAt) for (const known of madeAt.keys()) isFresh(known)
      madeAt.set(nativeId, madeAtMs)
    },
    async patiently(nativeIds, attempt, signal) {
      for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
        const wasFresh = nativeIds.some(isFresh)
        try {
          const found = await attempt()
          if (found !== undefined || !wasFresh) return found
        } catch (error) {
          // Load balancers answer `InvalidTarget` (kind `invalid`) for an instance they do not know yet.
          const isUnknownTarget = isProviderError(error, 'invalid') && error.shape.nativeCode === 'InvalidTarget'
          if (!wasFresh || !(isProviderError(error, 'not_found') || isUnknownTarget)) throw error
        }
        await pause(clock, waitMs, signal)
      }
    },
  }
}

/** `sleep` whose abort is a `ProviderError`, like everything that leaves the adapter. */
export async function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(clock, delayMs, signal)
  } catch (error) {
    throw abortedError(error)
  }
}
