import { requirePositive } from '../requirements.ts'
import { autocorrelation } from './autocorrelation.ts'
import { findPeriods } from './find-periods.ts'

const dayMs = 86_400_000

/**
 * The seasonal periods, in steps, that a series can show: the day and the week where two full ones are there, and each candidate
 * that its autocorrelation confirms. Without candidates, those that the series itself shows beside day and week. Ascending; empty
 * where nothing repeats often enough.
 */
export function seasonalPeriods(values: Float64Array, stepMs: number, candidates?: readonly number[]): readonly number[] {
  requirePositive('stepMs', stepMs)
  const calendar = [dayMs / stepMs, (7 * dayMs) / stepMs].filter((period) => Number.isInteger(period) && period >= 2)
  const found = (candidates ?? findPeriods(values, calendar)).filter(
    (period) => Number.isInteger(period) && period >= 2 && 2 * period <= values.length && autocorrelation(values, period) > 0.3,
  )
  return [...new Set([...calendar, ...found])].filter((period) => 2 * period <= values.length).sort((a, b) => a - b)
}
