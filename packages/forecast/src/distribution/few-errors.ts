import { normalQuantile } from '../normal.ts'
import { gridLevels } from './distribution.ts'

const normal = gridLevels.map(normalQuantile)
/** Fewer than these tell nothing of how they depend on each other. */
const fewest = 8

/**
 * What quantiles of past errors have to be widened by, at each of `gridLevels`, since few errors do not show their tails: Student's t
 * over the normal (Abramowitz, Stegun 1964, 26.7.5), with as many degrees of freedom as there are independent errors less one.
 * Errors of one series overlap by their steps ahead; neighbours that correlate by ρ are worth (1 − ρ)/(1 + ρ) each.
 * @param errors in the order of time, `count` of them
 */
export function widenedByFewErrors(errors: Float64Array, count: number): Float64Array {
  if (count < fewest) return new Float64Array(gridLevels.length).fill(1)
  let mean = 0
  for (let index = 0; index < count; index++) mean += errors[index]! / count
  let square = 0
  let product = 0
  for (let index = 0; index < count; index++) {
    const here = errors[index]! - mean
    square += here * here
    if (index > 0) product += here * (errors[index - 1]! - mean)
  }
  const correlation = square > 0 ? Math.max(0, Math.min(0.99, product / square)) : 0
  const freedom = Math.max(3, (count * (1 - correlation)) / (1 + correlation) - 1)
  return normal.map((z) => 1 + (z * z + 1) / (4 * freedom) + (5 * z ** 4 + 16 * z * z + 3) / (96 * freedom * freedom))
}
