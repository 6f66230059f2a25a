import { ForecastError } from '../errors.ts'
import { requireFinite, requirePositive } from '../requirements.ts'
import { calibrateMetric, extremeOf, meansOf } from './calibration.ts'
import type { MetricCalibration } from './calibration.ts'
import { findChangePoint } from './change-point.ts'
import type { ChangePoint } from './change-point.ts'
import { conformalProbability, conformalThreshold } from './conformal.ts'
import { winsorise, WindowMeans } from './window-means.ts'

export interface WatchOptions {
  /** How many points a watch lasts. */
  readonly points: number
  readonly secondsPerPoint: number
  /**
   * From the start of one past window to that of the next, where the last one ends when the watch starts. With it, a metric that
   * strayed shortly before has to stray further now; left out, past windows are taken as they come.
   */
  readonly pointsBetweenPast?: number
  /** The sensitivity: how many false alarms a month of such watches, one after the other, may have. */
  readonly falseAlarmsPerMonth: number
}
/** Errors of past forecasts by metric (cpu, memory, network, disk…), [window × points + point], of the same windows for all, oldest first. */
export type PastErrors = Readonly<Record<string, Float64Array>>

export interface DeviationCalibration {
  readonly options: WatchOptions
  readonly metrics: ReadonlyMap<string, MetricCalibration>
  /** How far all metrics together went in each past window; sorted. */
  readonly jointExtremes: Float64Array
  /** P(false alarm) of one watch. */
  readonly alpha: number
  readonly threshold: number
}
/** One metric's part in a deviation. */
export interface MetricDeviation {
  readonly metric: string
  readonly direction: 'higher' | 'lower' | 'unsteady'
  /** Mean error since the change, or mean size of it where it is unsteady, in errors of the forecast that are typical of such a time. */
  readonly typicalErrors: number
  /** P(this metric alone goes this far in a watch without a change). */
  readonly probability: number
  readonly change: ChangePoint
}
export interface DeviationState {
  /** Points seen. */
  readonly seen: number
  readonly isAlarm: boolean
  /** The point at which the alarm was first raised. */
  readonly alarmAt?: number
  /** Evidence so far over the threshold; an alarm from 1 on. It never falls. */
  readonly evidence: number
  /** P(evidence like this in a watch without a change). */
  readonly probability: number
}

const secondsPerMonth = 30 * 86_400
/** One metric, however far out, is worth no more than this; the rest has to agree. */
const largestSurprise = 9
/** Mean size of a score without a change: that of a standard normal. */
const usualSize = Math.sqrt(2 / Math.PI)

/**
 * Learns what a watch without a change looks like. The threshold is the conformal quantile, over past windows, of the same
 * statistic that the watch computes, so dependence in time and between metrics is in it. Throws `ForecastError`.
 */
export function calibrateDeviation(past: PastErrors, options: WatchOptions): DeviationCalibration {
  const { points, secondsPerPoint, falseAlarmsPerMonth } = options
  requirePositive('options.secondsPerPoint', secondsPerPoint)
  requirePositive('options.falseAlarmsPerMonth', falseAlarmsPerMonth)
  if (options.pointsBetweenPast !== undefined) requirePositive('options.pointsBetweenPast', options.pointsBetweenPast)
  const names = Object.keys(past)
  const first = past[names[0] ?? '']
  if (first === undefined) throw new ForecastError('past', 'must hold at least one metric')
  const metrics = new Map(names.map((name) => [name, calibrateMetric(name, past[name] ?? new Float64Array(), points, options.pointsBetweenPast)]))
  for (const name of names) {
    if (past[name]?.length !== first.length) throw new ForecastError(`past.${name}`, 'must have the windows that the other metrics have')
  }
  const jointExtremes = Float64Array.from({ length: first.length / points }, (_, window) => {
    const extremes = names.map((name) => {
      const calibration = metrics.get(name)
      const errors = past[name]?.subarray(window * points, (window + 1) * points)
      if (calibration === undefined || errors === undefined) return 0
      return surpriseOfExtreme(calibration, meansOf(errors, calibration.scale, calibration.restlessBefore[window] ?? 1))
    })
    return joined(extremes)
  }).sort()
  const alpha = 1 - Math.exp((-falseAlarmsPerMonth * points * secondsPerPoint) / secondsPerMonth)
  return { options, metrics, jointExtremes, alpha, threshold: conformalThreshold(jointExtremes, alpha) }
}

/** Gathers evidence, point by point, that what happens is not what was predicted. One watch per forecast. */
export class DeviationWatch {
  readonly #calibration: DeviationCalibration
  readonly #means = new Map<string, WindowMeans>()
  readonly #scores = new Map<string, number[]>()
  #seen = 0
  #alarmAt: number | undefined

  constructor(calibration: DeviationCalibration) {
    this.#calibration = calibration
    for (const name of calibration.metrics.keys()) {
      this.#means.set(name, new WindowMeans())
      this.#scores.set(name, [])
    }
  }

  /** Errors of the next point by metric, actual − predicted. A metric that is left out was not measured and is no evidence. */
  observe(errors: Readonly<Record<string, number | undefined>>): DeviationState {
    if (this.#seen >= this.#calibration.options.points) throw new ForecastError('errors', 'the watch is over')
    for (const name of Object.keys(errors)) {
      if (!this.#means.has(name)) throw new ForecastError(`errors.${name}`, 'is no metric of the calibration')
      if (errors[name] !== undefined) requireFinite(`errors.${name}`, errors[name])
    }
    for (const [name, calibration] of this.#calibration.metrics) {
      const score = winsorise((errors[name] ?? 0) / ((calibration.scale[this.#seen] ?? 1) * calibration.restless))
      this.#means.get(name)?.add(score)
      this.#scores.get(name)?.push(score)
    }
    this.#seen += 1
    const state = this.state()
    if (state.isAlarm) this.#alarmAt ??= this.#seen - 1
    return this.state()
  }

  state(): DeviationState {
    const joint = joined(Array.from(this.#calibration.metrics, ([name, calibration]) => surpriseOfExtreme(calibration, this.#meansOf(name))))
    const evidence = joint / this.#calibration.threshold
    return {
      seen: this.#seen,
      isAlarm: evidence >= 1,
      ...(this.#alarmAt === undefined ? {} : { alarmAt: this.#alarmAt }),
      evidence,
      probability: conformalProbability(this.#calibration.jointExtremes, joint),
    }
  }

  /** Which metrics deviate, since when and how far: the least likely first. Empty before the first point. */
  explain(): readonly MetricDeviation[] {
    if (this.#seen === 0) return []
    return Array.from(this.#calibration.metrics, ([metric, calibration]) => this.#explain(metric, calibration)).sort(
      (a, b) => a.probability - b.probability,
    )
  }

  #explain(metric: string, calibration: MetricCalibration): MetricDeviation {
    const scores = this.#scores.get(metric) ?? []
    const { maxima } = this.#meansOf(metric)
    const half = maxima.length / 2
    const isUnsteady =
      extremeOf(maxima.subarray(half), calibration.usual.subarray(half)) > extremeOf(maxima.subarray(0, half), calibration.usual.subarray(0, half))
    const change = findChangePoint(isUnsteady ? scores.map((score) => Math.abs(score) - usualSize) : scores, calibration.inflation)
    const since = scores.slice(change.at)
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
    const typicalErrors = isUnsteady ? mean(since.map(Math.abs)) : mean(since)
    return {
      metric,
      direction: isUnsteady ? 'unsteady' : typicalErrors > 0 ? 'higher' : 'lower',
      typicalErrors,
      probability: conformalProbability(calibration.extremes, extremeOf(maxima, calibration.usual)),
      change,
    }
  }

  #meansOf(name: string): WindowMeans {
    return this.#means.get(name) ?? new WindowMeans()
  }
}

/** −ln P of how far one metric went, within bounds; for a single metric as good as its extreme itself. */
function surpriseOfExtreme(calibration: MetricCalibration, means: WindowMeans): number {
  return Math.min(largestSurprise, -Math.log(conformalProbability(calibration.extremes, extremeOf(means.maxima, calibration.usual))))
}

/** Fisher's sum for what all metrics show a little, and the largest for what one shows alone; dependence is left to the threshold. */
function joined(surprises: readonly number[]): number {
  const sum = surprises.reduce((total, one) => total + one, 0)
  return Math.max(...surprises) + sum / Math.sqrt(surprises.length)
}
