import { requireFactors } from './factors/factor.ts'
import { factorRegression } from './factors/factor-regression.ts'
import type { FitOptions, Forecaster } from './forecaster.ts'
import type { Correct } from './learned/correction.ts'
import { correctByShipped } from './learned/shipped.ts'
import { RegularForecaster } from './forecaster.ts'
import { compressed } from './members/compressed.ts'
import { allMembers } from './members/index.ts'
import { planOf } from './plan.ts'
import type { Series } from './series/series.ts'
import { ZonedForecaster } from './zoned-forecaster.ts'

/**
 * Fits every model, scores them on the series' own past, combines them, and corrects the forecast by what other series taught, where
 * the series is of their kind (`isLearnable`).
 * @throws ForecastError naming `horizon`, `periods` or `factors`
 */
export function fitForecaster(series: Series, options: FitOptions): Forecaster {
  return fitCorrected(series, options, correctByShipped)
}

/**
 * As `fitForecaster`, with a correction that was learnt elsewhere, or none.
 * @throws ForecastError naming `horizon`, `periods` or `factors`
 */
export function fitCorrected(series: Series, options: FitOptions, correct: Correct | undefined): Forecaster {
  const { factors = [], members = allMembers } = options
  const plan = planOf(series, options)
  requireFactors(factors, series.values.length, plan.horizon)
  const { timeZone } = series
  if (timeZone !== undefined) {
    return new ZonedForecaster({ ...series, timeZone }, options, (onClock, inner) => fitCorrected(onClock, inner, correct))
  }
  if (factors.length > 0) {
    const regression = factorRegression(factors)
    return new RegularForecaster(series, plan, [...members, regression, compressed(regression)])
  }
  const isWhole = allMembers.every((member) => members.includes(member))
  return new RegularForecaster(series, plan, members, isWhole ? correct : undefined)
}
