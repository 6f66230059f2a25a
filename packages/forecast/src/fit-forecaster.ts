import { requireFactors } from './factors/factor.ts'
import { factorRegression } from './factors/factor-regression.ts'
import type { FitOptions, Forecaster } from './forecaster.ts'
import { RegularForecaster } from './forecaster.ts'
import { compressed } from './members/compressed.ts'
import { allMembers } from './members/index.ts'
import { planOf } from './plan.ts'
import type { Series } from './series/series.ts'
import { ZonedForecaster } from './zoned-forecaster.ts'

/**
 * Fits every model, scores them on the series' own past, and combines them.
 * @throws ForecastError naming `horizon`, `periods` or `factors`
 */
export function fitForecaster(series: Series, options: FitOptions): Forecaster {
  const { factors = [], members = allMembers } = options
  const plan = planOf(series, options)
  requireFactors(factors, series.values.length, plan.horizon)
  const { timeZone } = series
  if (timeZone !== undefined) return new ZonedForecaster({ ...series, timeZone }, options, fitForecaster)
  if (factors.length === 0) return new RegularForecaster(series, plan, members)
  const regression = factorRegression(factors)
  return new RegularForecaster(series, plan, [...members, regression, compressed(regression)])
}
