import { ForecastError } from '../errors.ts'
import { requireFinite, requireFiniteEntries, requireGapsOrFinite, requireProbability, requireSameLength, requireWhole } from '../requirements.ts'

/**
 * The unit of MASE: mean absolute difference of values `period` steps apart (Hyndman, Koehler 2006), gaps left out; 0 for a
 * series that repeats itself.
 * @throws ForecastError naming `history` where there is no such pair
 */
export function maseScale(history: Float64Array, period: number): number {
  requireWhole('period', period, 1, Math.max(1, history.length))
  requireGapsOrFinite('history', history)
  let sum = 0
  let count = 0
  for (let index = period; index < history.length; index++) {
    const difference = Math.abs(history[index]! - history[index - period]!)
    if (!Number.isFinite(difference)) continue
    sum += difference
    count++
  }
  if (count === 0) throw new ForecastError('history', `has no two finite values that are ${period} steps apart`)
  return sum / count
}

/** Mean absolute error in the series' unit; divided by `maseScale` it is MASE. */
export function meanAbsoluteError(actual: Float64Array, forecast: Float64Array): number {
  requirePairs(actual, forecast)
  let sum = 0
  for (let index = 0; index < actual.length; index++) sum += Math.abs(actual[index]! - forecast[index]!)
  return sum / actual.length
}

/** Symmetric mean absolute percentage error in per cent, 0 … 200, as in M4 (Makridakis 1993); a pair of zeros counts 0. */
export function smape(actual: Float64Array, forecast: Float64Array): number {
  requirePairs(actual, forecast)
  let sum = 0
  for (let index = 0; index < actual.length; index++) {
    const size = Math.abs(actual[index]!) + Math.abs(forecast[index]!)
    if (size > 0) sum += (200 * Math.abs(actual[index]! - forecast[index]!)) / size
  }
  return sum / actual.length
}

/** Loss of one quantile (Koenker, Bassett 1978), in the series' unit. */
export function pinball(actual: number, forecast: number, level: number): number {
  requireFinite('actual', actual)
  requireFinite('forecast', forecast)
  requireProbability('level', level)
  return actual >= forecast ? level * (actual - forecast) : (1 - level) * (forecast - actual)
}

/** The levels 0.1 … 0.9 that the scaled and weighted quantile losses average over. */
export const scoredLevels: readonly number[] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]

/**
 * Mean quantile loss over 0.1 … 0.9 and over the steps, in the series' unit. Divided by `maseScale` it is the scaled quantile loss;
 * twice it, divided by the mean absolute actual, is the weighted quantile loss (Park et al. 2022).
 * @param quantiles one array per step with one value per level of `scoredLevels`
 */
export function quantileLoss(actual: Float64Array, quantiles: readonly Float64Array[]): number {
  if (actual.length === 0) throw new ForecastError('actual', 'is empty')
  requireSameLength(
    'quantiles',
    quantiles.map(() => 0),
    actual,
  )
  for (const row of quantiles) requireSameLength('quantiles', row, scoredLevels)
  let sum = 0
  actual.forEach((value, step) => {
    scoredLevels.forEach((level, which) => (sum += pinball(value, quantiles[step]![which]!, level)))
  })
  return sum / (actual.length * scoredLevels.length)
}

/**
 * Mean interval score at 1 - `alpha` (Gneiting, Raftery 2007), in the series' unit; divided by `maseScale` it is M4's MSIS.
 */
export function intervalScore(actual: Float64Array, lower: Float64Array, upper: Float64Array, alpha: number): number {
  if (!(alpha >= 1e-9 && alpha < 1)) throw new ForecastError('alpha', `has to be between 0 and 1, and is ${alpha}`)
  requirePairs(actual, lower)
  requirePairs(actual, upper)
  let sum = 0
  for (let index = 0; index < actual.length; index++) {
    const value = actual[index]!
    sum += upper[index]! - lower[index]! + (2 / alpha) * (Math.max(0, lower[index]! - value) + Math.max(0, value - upper[index]!))
  }
  return sum / actual.length
}

function requirePairs(actual: Float64Array, forecast: Float64Array): void {
  if (actual.length === 0) throw new ForecastError('actual', 'is empty')
  requireFiniteEntries('actual', actual)
  requireSameLength('forecast', forecast, actual)
  requireFiniteEntries('forecast', forecast)
}
