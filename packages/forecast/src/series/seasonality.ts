import { requireGapsOrFinite, requirePositive, requireWhole } from '../requirements.ts'

const dayMs = 86_400_000

/**
 * The seasonal periods, in steps, that a series of `length` steps can show: the day and the week where two full ones are there, and
 * each candidate that its autocorrelation confirms. Ascending; empty where nothing repeats often enough.
 */
export function seasonalPeriods(values: Float64Array, stepMs: number, candidates: readonly number[] = []): readonly number[] {
  requirePositive('stepMs', stepMs)
  const calendar = [dayMs / stepMs, (7 * dayMs) / stepMs].filter((period) => Number.isInteger(period) && period >= 2)
  const found = candidates.filter(
    (period) => Number.isInteger(period) && period >= 2 && 2 * period <= values.length && autocorrelation(values, period) > 0.3,
  )
  return [...new Set([...calendar, ...found])].filter((period) => 2 * period <= values.length).sort((a, b) => a - b)
}

/**
 * Correlation of a series with itself `lag` steps before, gaps left out, in [-1, 1]; 0 for a constant.
 * Box, Jenkins: Time Series Analysis, §2.1.4.
 */
export function autocorrelation(values: Float64Array, lag: number): number {
  requireWhole('lag', lag, 0, Math.max(0, values.length))
  requireGapsOrFinite('values', values)
  let count = 0
  let sum = 0
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    count++
    sum += value
  }
  const mean = sum / Math.max(count, 1)
  let variance = 0
  let covariance = 0
  for (let index = 0; index < values.length; index++) {
    const here = values[index]! - mean
    if (!Number.isFinite(here)) continue
    variance += here * here
    const before = index >= lag ? values[index - lag]! - mean : NaN
    if (Number.isFinite(before)) covariance += here * before
  }
  return variance > 0 ? covariance / variance : 0
}
