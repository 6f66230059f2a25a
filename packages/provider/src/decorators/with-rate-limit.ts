import type { Clock } from '@understudy/core'
import { isProviderError } from '../provider-error.ts'
import type { LimitGroup, Provider, TokenBucket } from '../provider.ts'
import { aroundProvider } from './around.ts'
import type { ProviderCall } from './around.ts'
import { tokenLane } from './token-lane.ts'
import type { TokenLane } from './token-lane.ts'

/** Share of every bucket that only `failover` calls may use. */
const reservedShare = 0.3
/** Pause of a bucket after the cloud has said "too many" without saying for how long. */
const usualPauseMs = 1_000

/**
 * Keeps calls within the cloud's own token buckets, so that they wait here, in the order of their priority, and not in the
 * cloud's refusals. Background work never takes the last 30 % of a bucket. A call that waits answers its `AbortSignal`. When
 * the cloud refuses all the same, the bucket pauses for as long as the cloud asks.
 */
export function withRateLimit<P extends Provider>(
  provider: P,
  { clock, buckets = provider.traits.limits }: { readonly clock: Clock; readonly buckets?: Readonly<Record<LimitGroup, TokenBucket>> },
): P {
  const lanes = new Map<LimitGroup, TokenLane>()
  const laneOf = (group: LimitGroup): TokenLane => {
    const lane = lanes.get(group) ?? tokenLane(clock, buckets[group], reservedShare)
    lanes.set(group, lane)
    return lane
  }
  return aroundProvider(provider, async (call, next) => {
    const group = limitGroupOf(call)
    if (group === undefined) return await next()
    const lane = laneOf(group)
    await lane.take(call.context?.priority ?? 'background', call.signal)
    try {
      return await next()
    } catch (error) {
      if (isProviderError(error, 'throttled')) lane.pause(error.shape.retryAfterMs ?? usualPauseMs)
      throw error
    }
  })
}

/** By name where a cloud counts a call apart, otherwise by capability; a call unknown here counts as a change. */
const groupsByName: Readonly<Record<string, LimitGroup | 'unlimited'>> = {
  identify: 'unlimited',
  'compute.provision': 'launch',
  'compute.start': 'start',
  'compute.poll': 'read',
  'compute.adopt': 'read',
  'snapshots.capture': 'snapshot',
  'snapshots.get': 'read',
  'snapshots.storedBytes': 'read',
  'snapshots.countBytes': 'read',
  'copies.regions': 'read',
  'copies.get': 'read',
  'copies.copy': 'snapshot',
  'traffic.state': 'read',
  'traffic.health': 'read',
  'traffic.followSeconds': 'read',
  'traffic.drainSeconds': 'read',
  'traffic.validate': 'read',
  // A long poll of a queue has limits of its own, far above one poller's.
  'signals.receive': 'unlimited',
}
const groupsByCapability: Readonly<Record<string, LimitGroup>> = {
  inventory: 'read',
  market: 'read',
  portable: 'read',
  signals: 'read',
  labels: 'tag',
  traffic: 'traffic',
  blocks: 'blocks',
}

export function limitGroupOf({ name, capability }: Pick<ProviderCall, 'name' | 'capability'>): LimitGroup | undefined {
  const group = groupsByName[name] ?? groupsByCapability[capability] ?? 'mutate'
  return group === 'unlimited' ? undefined : group
}
