import type { Clock } from '@understudy/core'
import type { RateSettings } from '../deps.ts'

interface Bucket {
  tokens: number
  atMs: number
}
export interface Take {
  readonly allowed: boolean
  readonly remaining: number
  /** Until a token is there again, whole seconds. */
  readonly retryAfterSeconds: number
}

const bucketsMax = 50_000

/** One bucket per caller, in this process. Full buckets are forgotten: they say nothing. */
export function tokenBuckets(clock: Clock, rate: RateSettings): { take(caller: string): Take } {
  const buckets = new Map<string, Bucket>()
  return {
    take(caller) {
      const nowMs = clock.nowMs()
      const bucket = buckets.get(caller) ?? { tokens: rate.burst, atMs: nowMs }
      bucket.tokens = Math.min(rate.burst, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1000) * rate.perSecond)
      bucket.atMs = nowMs
      const allowed = bucket.tokens >= 1
      if (allowed) bucket.tokens -= 1
      // Moved to the end, so that the map's order is the order of last use.
      buckets.delete(caller)
      buckets.set(caller, bucket)
      if (buckets.size > bucketsMax) forgetOldest(buckets)
      return {
        allowed,
        remaining: Math.floor(bucket.tokens),
        retryAfterSeconds: allowed ? 0 : Math.max(1, Math.ceil((1 - bucket.tokens) / rate.perSecond)),
      }
    },
  }
}

function forgetOldest(buckets: Map<string, Bucket>): void {
  for (const caller of buckets.keys()) {
    buckets.delete(caller)
    return
  }
}
