import type { Plan } from './members/member.ts'
import { requireWhole } from './requirements.ts'
import { seasonalPeriods } from './series/seasonality.ts'
import type { Series } from './series/series.ts'

/** @throws ForecastError naming `horizon` or `periods` */
export function planOf(series: Series, options: { readonly horizon: number; readonly periods?: readonly number[] }): Plan {
  requireWhole('horizon', options.horizon, 1, 2000)
  for (const period of options.periods ?? []) requireWhole('periods', period, 2, Math.max(2, series.values.length >> 1))
  const periods = [...(options.periods ?? seasonalPeriods(series.values, series.stepMs))].sort((a, b) => a - b)
  return { periods, horizon: options.horizon }
}
