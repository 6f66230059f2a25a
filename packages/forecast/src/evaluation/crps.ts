import type { Distribution } from '../distribution/distribution.ts'
import { requireRow } from '../distribution/distribution.ts'
import { requireFinite } from '../requirements.ts'

/**
 * Continuous ranked probability score of one step (1 the first), in the series' unit: twice the integral of the quantile loss over
 * all levels (Gneiting, Raftery 2007), by the trapezoid rule on the distribution's grid, its ends held constant to 0 and 1.
 */
export function crps(distribution: Distribution, step: number, actual: number): number {
  const values = requireRow(distribution, step)
  requireFinite('actual', actual)
  return crpsOfRow(distribution.levels, values, actual)
}

/** `crps` of what is known to be a distribution, and an outcome that is finite. */
export function crpsOfRow(levels: Float64Array, values: Float64Array, actual: number): number {
  const last = levels.length - 1
  let left = loss(actual, values[0]!, levels[0]!)
  let sum = levels[0]! * loss(actual, values[0]!, levels[0]! / 2)
  for (let index = 1; index <= last; index++) {
    const right = loss(actual, values[index]!, levels[index]!)
    sum += ((left + right) / 2) * (levels[index]! - levels[index - 1]!)
    left = right
  }
  return 2 * (sum + (1 - levels[last]!) * loss(actual, values[last]!, (1 + levels[last]!) / 2))
}

/** `pinball` of numbers that are known to be finite. */
function loss(actual: number, forecast: number, level: number): number {
  return actual >= forecast ? level * (actual - forecast) : (1 - level) * (forecast - actual)
}
