import type { Random } from '@understudy/core'

/** A standard normal number (Box, Muller 1958). */
export function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}

/** Hourly demand with a day, a level and normal noise of the given deviation. */
export function dailyDemand(random: Random, length: number, noise: number): Float64Array {
  return Float64Array.from({ length }, (_, hour) => 100 + 20 * Math.sin((2 * Math.PI * hour) / 24) + noise * gaussian(random))
}
