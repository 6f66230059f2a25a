import type { Random } from '@understudy/core'

const second = 1000
const minute = 60 * second
const hour = 60 * minute

/** Waits after the first, second, … failed attempt: ten attempts within about 75 h. */
const waitsMs = [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour] as const
const jitter = 0.1
const retryAfterMaxMs = 24 * hour

/**
 * When to try again after `attempts` failed ones; `undefined`: no more. Spread by a tenth to either side, so that what failed
 * together does not come back together. An endpoint that asks for more time gets it, up to a day.
 */
export function retryDelayMs(attempts: number, random: Random, askedForMs = 0): number | undefined {
  const waitMs = waitsMs[attempts - 1]
  if (waitMs === undefined) return undefined
  const spreadMs = Math.round(waitMs * (1 - jitter + 2 * jitter * random.next()))
  return Math.max(spreadMs, Math.min(askedForMs, retryAfterMaxMs))
}
