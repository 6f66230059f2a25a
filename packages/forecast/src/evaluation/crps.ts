import type { Distribution } from '../distribution/distribution.ts'
import { requireRow } from '../distribution/distribution.ts'
import { requireFinite } from '../requirements.ts'
import { pinball } from './scores.ts'

/**
 * Continuous ranked probability score of one step (1 the first), in the series' unit: twice the integral of the quantile loss over
 * all levels (Gneiting, Raftery 2007), by the trapezoid rule on the distribution's grid, its ends held constant to 0 and 1.
 */
export function crps(distribution: Distribution, step: number, actual: number): number {
  const values = requireRow(distribution, step)
  requireFinite('actual', actual)
  return crpsOfRow(distribution.levels, values, actual)
}

/** `crps` of what is known to be a distribution. */
export function crpsOfRow(levels: Float64Array, values: Float64Array, actual: number): number {
  const last = levels.length - 1
  let sum = levels[0]! * pinball(actual, values[0]!, levels[0]! / 2) + (1 - levels[last]!) * pinball(actual, values[last]!, (1 + levels[last]!) / 2)
  for (let index = 1; index <= last; index++) {
    const left = pinball(actual, values[index - 1]!, levels[index - 1]!)
    const right = pinball(actual, values[index]!, levels[index]!)
    sum += ((left + right) / 2) * (levels[index]! - levels[index - 1]!)
  }
  return 2 * sum
}
