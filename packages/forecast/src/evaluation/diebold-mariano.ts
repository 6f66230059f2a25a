import { normalCdf } from '../normal.ts'
import { requireFiniteEntries, requireSameLength, requireWhole } from '../requirements.ts'

/** `statistic` below 0 favours the first; `p` is the one-sided probability of that if both were equally good. */
export interface DieboldMariano {
  readonly statistic: number
  readonly p: number
}

/**
 * Test of equal loss for forecasts `horizon` steps ahead (Diebold, Mariano 1995) with the small-sample correction of Harvey, Leybourne,
 * Newbold (1997) and Bartlett weights, which keep the variance positive. The normal distribution stands for Student's.
 * @param first losses in time order, any unit, of the model that should be better
 * @param second losses of its rival at the same times
 */
export function dieboldMariano(first: Float64Array, second: Float64Array, horizon: number): DieboldMariano {
  requireFiniteEntries('first', first)
  requireSameLength('second', second, first)
  requireFiniteEntries('second', second)
  requireWhole('horizon', horizon, 1, 10_000)
  const count = first.length
  if (count < 2) return { statistic: 0, p: 0.5 }
  const differences = first.map((loss, index) => loss - second[index]!)
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / count
  const lags = Math.min(horizon, count - 1)
  let variance = 0
  for (let lag = 0; lag < lags; lag++) {
    let covariance = 0
    for (let index = lag; index < count; index++) covariance += (differences[index]! - mean) * (differences[index - lag]! - mean)
    variance += ((lag === 0 ? 1 : 2 * (1 - lag / lags)) * covariance) / count
  }
  if (variance <= 0) return { statistic: 0, p: mean < 0 ? 0 : mean > 0 ? 1 : 0.5 }
  const correction = Math.sqrt(Math.max(1 / count, (count + 1 - 2 * lags + (lags * (lags - 1)) / count) / count))
  const statistic = (correction * mean) / Math.sqrt(variance / count)
  return { statistic, p: normalCdf(statistic) }
}
