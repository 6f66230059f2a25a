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
  /** How far each past window went, in `usual`s; sorted. */
  readonly extremes: Float64Array
  /** What the scores of each past window were divided by too, since it had been more or less restless before than usual. */
  readonly restlessBefore: Float64Array
  /** The same of the watch that follows the past windows. */
  readonly restless: number
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
  const finished = Math.ceil(points / (step ?? points))
  const restlessOf = step === undefined ? (): number => 1 : restlessIn(sizes(errors, scale), finished)
  const restlessBefore = Float64Array.from({ length: windows }, (_, window) => restlessOf(window))
  const maxima = Array.from(
    restlessBefore,
    (restless, window) => meansOf(errors.subarray(window * points, (window + 1) * points), scale, restless).maxima,
  )
  const usual = Float64Array.from({ length: statisticCount }, (_, statistic) => {
    const sorted = Float64Array.from(maxima, (one) => one[statistic] ?? 0).sort()
    return Math.max(sortedQuantile(sorted, 0.95), 0.05)
  })
  const extremes = Float64Array.from(maxima, (one) => extremeOf(one, usual)).sort()
  // The watch starts where the last past window ends.
  const restless = restlessOf(windows - 1 + finished)
  return { points, scale, usual, extremes, restlessBefore, restless, inflation: inflationOf(errors, scale, points) }
}

/** The window means of one window's errors. */
export function meansOf(errors: Float64Array, scale: Float64Array, restless: number): WindowMeans {
  const means = new WindowMeans()
  errors.forEach((error, point) => means.add(error / ((scale[point] ?? 1) * restless)))
  return means
}

/** Mean size of the scores of each window. */
function sizes(errors: Float64Array, scale: Float64Array): Float64Array {
  const each = new Float64Array(errors.length / scale.length)
  errors.forEach((error, i) => {
    const window = Math.floor(i / scale.length)
    each[window] = (each[window] ?? 0) + Math.abs(error) / (scale[i % scale.length] ?? 1) / scale.length
  })
  return each
}

/** A calm before says no more than that it was this calm, in the median of all windows. */
const calmest = 0.5

/**
 * How restless it was before a window: the root of how far the forecasts strayed whose windows had ended when it began, and not long
 * before, in the median of all. Old windows say little about a metric that drifts by itself (Barber et al. 2023, conformal prediction
 * beyond exchangeability); one that strays without a change has to stray further to be doubted. It is the root since half of it
 * passes by the end of a watch, and it scales the errors before they are winsorised, so that a large change is still one after unrest.
 * `finished` is the windows until one is over.
 */
function restlessIn(each: Float64Array, finished: number): (window: number) => number {
  const median = Math.max(sortedQuantile(Float64Array.from(each).sort(), 0.5), 1e-9)
  return (window) => {
    const before = each.subarray(Math.max(0, window - 2 * finished), Math.max(0, window - finished + 1))
    if (before.length === 0) return 1
    return Math.sqrt(Math.max(calmest, before.reduce((sum, size) => sum + size, 0) / before.length / median))
  }
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
