import { ForecastError } from '../errors.ts'
import { requireAllFinite } from '../requirements.ts'
import { sortedQuantile } from './conformal.ts'
import { statisticCount, winsorise, WindowMeans } from './window-means.ts'

/** What errors of one metric look like while nothing changes. */
export interface MetricCalibration {
  readonly points: number
  /** Typical size of the error at each point ahead, as the standard deviation of a normal with the same mean size. */
  readonly scale: Float64Array
  /** The 95 % quantile of each of the `WindowMeans` over past windows. */
  readonly usual: Float64Array
  /** How far each past window went, in `usual`s and beside what went before it; sorted. */
  readonly extremes: Float64Array
  /** How much further than usual the forecasts strayed just before each past window, at least 1. */
  readonly unrestBefore: Float64Array
  /** The same just before the watch that follows the past windows. */
  readonly unrest: number
  /** By how much dependence between neighbours inflates the variance of a sum of scores. */
  readonly inflation: number
}

/** Fewer past windows say nothing about rare events. */
export const fewestWindows = 20

/**
 * Learns from forecasts that were made in the past in the same way: errors (actual − predicted median) of `windows` windows,
 * `points` ahead each, [window × points + point], oldest first. `step` is the points from the start of one to that of the next, where
 * they follow one another up to the watch.
 */
export function calibrateMetric(name: string, errors: Float64Array, points: number, step?: number): MetricCalibration {
  if (!Number.isInteger(points) || points < 3) throw new ForecastError('points', `must be a whole number from 3, not ${points}`)
  if (errors.length % points !== 0 || errors.length < fewestWindows * points) {
    throw new ForecastError(`past.${name}`, `needs a multiple of ${points} errors, of at least ${fewestWindows} windows; has ${errors.length}`)
  }
  requireAllFinite(`past.${name}`, errors)
  const windows = errors.length / points
  const scale = scaleByPoint(errors, points)
  const maxima = Array.from({ length: windows }, (_, window) => {
    const means = new WindowMeans()
    for (let point = 0; point < points; point++) means.add((errors[window * points + point] ?? 0) / (scale[point] ?? 1))
    return means.maxima
  })
  const usual = Float64Array.from({ length: statisticCount }, (_, statistic) => {
    const sorted = Float64Array.from(maxima, (one) => one[statistic] ?? 0).sort()
    return Math.max(sortedQuantile(sorted, 0.95), 0.05)
  })
  const raw = Float64Array.from(maxima, (one) => extremeOf(one, usual))
  const finished = Math.ceil(points / (step ?? points))
  const unrestOf = step === undefined ? (): number => 1 : unrestIn(raw, finished)
  const unrestBefore = raw.map((_, window) => unrestOf(window))
  const extremes = raw.map((one, window) => one / (unrestBefore[window] ?? 1)).sort()
  // The watch starts where the last past window ends.
  const unrest = unrestOf(windows - 1 + finished)
  return { points, scale, usual, extremes, unrestBefore, unrest, inflation: inflationOf(errors, scale, points) }
}

/**
 * How restless it was before a window: how far the forecasts strayed whose windows had ended when it began, and not long before, in
 * the median of all. Old windows say little about a metric that drifts by itself (Barber et al. 2023, conformal prediction beyond
 * exchangeability); one that strays without a change has to stray further to be doubted. `finished` is the windows until one is over.
 */
function unrestIn(extremes: Float64Array, finished: number): (window: number) => number {
  const median = Math.max(sortedQuantile(Float64Array.from(extremes).sort(), 0.5), 1e-9)
  return (window) =>
    extremes.slice(Math.max(0, window - 2 * finished), Math.max(0, window - finished + 1)).reduce((a, b) => Math.max(a, b / median), 1)
}

/** The largest of the window means, each in its usual size. */
export function extremeOf(maxima: Float64Array, usual: Float64Array): number {
  let largest = 0
  for (let i = 0; i < usual.length; i++) largest = Math.max(largest, (maxima[i] ?? 0) / (usual[i] ?? 1))
  return largest
}

function scaleByPoint(errors: Float64Array, points: number): Float64Array {
  const windows = errors.length / points
  const sizes = new Float64Array(points)
  errors.forEach((error, i) => (sizes[i % points] = (sizes[i % points] ?? 0) + Math.abs(error) / windows))
  const overall = sizes.reduce((sum, size) => sum + size, 0) / points
  const reach = 6
  return Float64Array.from(sizes, (_, point) => {
    const near = sizes.subarray(Math.max(0, point - reach), point + reach + 1)
    const size = near.reduce((sum, value) => sum + value, 0) / near.length
    // Of a metric that was always foretold exactly, any error at all is as large as can be.
    return Math.max(size * Math.sqrt(Math.PI / 2), overall / 10, 1e-9)
  })
}

/** (1 + ρ)/(1 − ρ) for scores of which neighbours correlate by ρ (an autoregression of order 1). */
function inflationOf(errors: Float64Array, scale: Float64Array, points: number): number {
  let [product, square] = [0, 0]
  for (let i = 0; i < errors.length; i++) {
    const score = winsorise((errors[i] ?? 0) / (scale[i % points] ?? 1))
    square += score * score
    if (i % points > 0) product += score * winsorise((errors[i - 1] ?? 0) / (scale[(i - 1) % points] ?? 1))
  }
  const correlation = square === 0 ? 0 : Math.max(0, Math.min(0.95, (product / square) * (points / (points - 1))))
  return (1 + correlation) / (1 - correlation)
}
