import type { Random } from '@understudy/core'
import { seededRandom } from '@understudy/core'
import type { Distribution } from '@understudy/forecast'
import {
  crps,
  fitForecaster,
  intervalScore,
  levelOf,
  maseScale,
  meanAbsoluteError,
  normalQuantile,
  quantile,
  quantileLoss,
  regularSeries,
  scoredLevels,
  smape,
} from '@understudy/forecast'
import type { Correct } from '@understudy/forecast/learned'
import { fitCorrected } from '@understudy/forecast/learned'
import type { Task } from './data.ts'

export const period = 24

export interface Scores {
  readonly mase: number
  readonly sql: number
  readonly smape: number
  readonly msis: number
  /** CRPS over the MASE scale, from the levels that every method gives. */
  readonly crps: number
  /** Steps within the central intervals, as a share. */
  readonly coverage80: number
  readonly coverage95: number
}

export interface Measured {
  readonly task: Task
  readonly engine: Scores
  readonly naive: Scores
  /** Of fitting and predicting. */
  readonly fit: Elapsed
  /** Taking in one point, scoring what came due, and adapting; mean over the future, by the clock: a thread's computing is counted too coarsely. */
  readonly updateMilliseconds: number
  readonly distribution: Distribution
  /** The place of each outcome in its distribution. */
  readonly places: readonly number[]
}

/** In milliseconds: by the clock, and what this thread computed meanwhile; the rest is waiting for a core. */
interface Elapsed {
  readonly passed: number
  readonly computed: number
}

function stopwatch(): () => Elapsed {
  const started = performance.now()
  const before = process.threadCpuUsage()
  return () => {
    const { user, system } = process.threadCpuUsage(before)
    return { passed: performance.now() - started, computed: (user + system) / 1000 }
  }
}

/**
 * Fits, predicts all quantiles and scores one task, with the yardstick as R's `snaive` states it (normal intervals).
 * @param correct what corrects forecasts instead of what the engine comes with
 */
export function measure(task: Task, correct?: Correct): Measured {
  const { history, future } = task
  const fitted = stopwatch()
  const series = regularSeries({ values: history })
  const options = { horizon: future.length }
  const forecaster = correct === undefined ? fitForecaster(series, options) : fitCorrected(series, options, correct)
  const distribution = forecaster.predict()
  const fit = fitted()
  const updated = stopwatch()
  forecaster.update(future)
  const updateMilliseconds = updated().passed / future.length
  const scale = maseScale(history, period)
  const engine = score(task, scale, (step, level) => quantile(distribution, step, level))
  const deviation = naiveDeviation(history)
  const naive = score(task, scale, (step, level) => {
    const cycle = Math.floor((step - 1) / period) + 1
    return history[history.length - period + ((step - 1) % period)]! + normalQuantile(level) * deviation * Math.sqrt(cycle)
  })
  const random = seededRandom(1)
  const places = Array.from(future, (value, index) => placeOf(distribution, index + 1, value, random))
  return { task, engine, naive, fit, updateMilliseconds, distribution, places }
}

/**
 * The place of an outcome in its distribution. Where several levels share it, as they do a demand of 0, drawn among them (randomised
 * probability integral transform; Czado et al. 2009): their middle would look like too many in between.
 */
function placeOf(distribution: Distribution, step: number, value: number, random: Random): number {
  const row = distribution.values[step - 1]!
  const { levels } = distribution
  const [first, last] = [row.indexOf(value), row.lastIndexOf(value)]
  if (first === last) return levelOf(distribution, step, value)
  const low = first === 0 ? 0 : levels[first]!
  const high = last === row.length - 1 ? 1 : levels[last]!
  return low + random.next() * (high - low)
}

/** Scores of a forecast whose quantile at a step (the first being 1) and level is `at`; `scale` is that of MASE. */
export function score({ future }: Task, scale: number, at: (step: number, level: number) => number): Scores {
  const row = (level: number): Float64Array => Float64Array.from(future, (_, index) => at(index + 1, level))
  const median = row(0.5)
  const [low80, high80, low95, high95] = [row(0.1), row(0.9), row(0.025), row(0.975)]
  const within = (low: Float64Array, high: Float64Array): number =>
    future.filter((value, index) => value >= low[index]! && value <= high[index]!).length / future.length
  return {
    mase: meanAbsoluteError(future, median) / scale,
    sql:
      quantileLoss(
        future,
        Array.from(future, (_, index) => Float64Array.from(scoredLevels, (level) => at(index + 1, level))),
      ) / scale,
    smape: smape(future, median),
    msis: intervalScore(future, low95, high95, 0.05) / scale,
    crps: meanCrps(future, at) / scale,
    coverage80: within(low80, high80),
    coverage95: within(low95, high95),
  }
}

/** Levels of the deciles and of the 95 % interval, in order. */
const crpsLevels = Float64Array.from([0.025, ...scoredLevels, 0.975])

function meanCrps(future: Float64Array, at: (step: number, level: number) => number): number {
  // Quantiles of R may cross by rounding.
  const values = Array.from(future, (_, index) => Float64Array.from(crpsLevels, (level) => at(index + 1, level)).sort())
  const distribution = { levels: crpsLevels, values }
  return mean(Array.from(future, (value, index) => crps(distribution, index + 1, value)))
}

function naiveDeviation(history: Float64Array): number {
  let sum = 0
  for (let index = period; index < history.length; index++) sum += (history[index]! - history[index - period]!) ** 2
  return Math.sqrt(sum / (history.length - period))
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
