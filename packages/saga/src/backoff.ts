import type { Random } from '@understudy/core'

export interface Backoff {
  readonly baseMs: number
  readonly capMs: number
}

/** Retries within a step. */
export const retryBackoff: Backoff = { baseMs: 250, capMs: 10_000 }
/** Rounds after the point of no return. Twenty of them take about an hour and a quarter. */
export const roundBackoff: Backoff = { baseMs: 1_000, capMs: 300_000 }

/** Full jitter: anywhere between nothing and the exponential bound, so that many runners do not come back together. `retry` counts from 1. */
export function fullJitterMs(random: Random, retry: number, backoff: Backoff): number {
  return Math.floor(random.next() * boundMs(retry, backoff))
}

/** Grows for sure and still spreads: the upper half of the exponential bound. */
export function growingDelayMs(random: Random, round: number, backoff: Backoff): number {
  const bound = boundMs(round, backoff)
  return Math.floor(bound / 2 + (random.next() * bound) / 2)
}

const boundMs = (count: number, { baseMs, capMs }: Backoff): number => Math.min(capMs, baseMs * 2 ** (count - 1))
