import { normalQuantile } from '../normal.ts'
import { gridLevels } from './distribution.ts'

/** What the expansion of Student's t takes of the normal's quantile z, relative to it: the terms of 1 over four and of 1 over 96 degrees squared. */
const linear = (z: number): number => z * z + 1
const square = (z: number): number => 5 * z ** 4 + 16 * z * z + 3
const normal = gridLevels.map(normalQuantile)
const [linears, squares] = [normal.map(linear), normal.map(square)]
/** Fewer than these tell nothing of how they depend on each other. */
const fewest = 8
/** The share of the errors that are independent by their correlation which is believed to be: all of a week share what that week was like. */
const believed = 0.15
/** From the upper end of the central 80 % on. */
const tail = normalQuantile(0.9)
const [tailLinear, tailSquare] = [linear(tail), square(tail)]

/**
 * What quantiles of past errors have to be widened by, at each of `gridLevels`, since few errors show the central 80 % and not the
 * tails beyond: by how much faster than there Student's t goes out than the normal (Abramowitz, Stegun 1964, 26.7.5), with as many degrees of
 * freedom as there are independent errors less one. Errors of one series overlap by their steps ahead; neighbours that correlate by ρ
 * are worth (1 − ρ)/(1 + ρ) each. `docs/benchmarks.md` says how the share that is believed was chosen.
 * @param errors in the order of time
 */
export function widenedByFewErrors(errors: Float64Array): Float64Array {
  const count = errors.length
  if (count < fewest) return new Float64Array(gridLevels.length).fill(1)
  let mean = 0
  for (let index = 0; index < count; index++) mean += errors[index]! / count
  let variance = 0
  let product = 0
  for (let index = 0; index < count; index++) {
    const here = errors[index]! - mean
    variance += here * here
    if (index > 0) product += here * (errors[index - 1]! - mean)
  }
  const correlation = variance > 0 ? Math.max(0, Math.min(0.99, product / variance)) : 0
  const freedom = Math.max(3, (believed * count * (1 - correlation)) / (1 + correlation) - 1)
  const widened = new Float64Array(gridLevels.length)
  const atTail = tailLinear / (4 * freedom) + tailSquare / (96 * freedom * freedom)
  for (let index = 0; index < widened.length; index++) {
    const here = linears[index]! / (4 * freedom) + squares[index]! / (96 * freedom * freedom)
    widened[index] = 1 + Math.max(0, here - atTail)
  }
  return widened
}
