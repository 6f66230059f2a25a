import { requireGapsOrFinite, requireWhole } from '../requirements.ts'

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
