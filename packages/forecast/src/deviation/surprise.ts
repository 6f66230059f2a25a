import { ForecastError } from '../errors.ts'
import { requireFinite, requireQuantiles } from '../requirements.ts'
import { normalQuantile } from '../normal.ts'

/** What was predicted of one value; both arrays of the same length n ≥ 2. */
export interface PredictedQuantiles {
  /** Strictly rising, each in (0, 1). */
  readonly levels: Float64Array
  /** The quantile at each level, not falling. */
  readonly values: Float64Array
}
export interface Surprise {
  /** How many standard deviations of a normal the value lies above the median, by its place in the distribution. */
  readonly score: number
  /** P(a value at least as far out on either side), if the distribution is true. */
  readonly probability: number
}

/**
 * How surprising a value is: its probability integral transform (Dawid 1984), linear between the quantiles and beyond them with
 * exponential tails as steep as the outermost two. Ties of quantiles count half. The score stays within ±6.
 */
export function surpriseOf(predicted: PredictedQuantiles, actual: number): Surprise {
  if (predicted.levels.length < 2) throw new ForecastError('predicted.levels', 'needs at least 2 levels')
  requireQuantiles('predicted', predicted)
  requireFinite('actual', actual)
  const below = Math.max(1e-9, Math.min(1 - 1e-9, levelOf(predicted, actual)))
  return { score: Math.max(-6, Math.min(6, normalQuantile(below))), probability: Math.min(1, 2 * Math.min(below, 1 - below)) }
}

function levelOf({ levels, values }: PredictedQuantiles, actual: number): number {
  const last = values.length - 1
  const at = (index: number): { readonly p: number; readonly v: number } => ({ p: levels[index] ?? 0.5, v: values[index] ?? 0 })
  if (actual < at(0).v) {
    const [outer, inner] = [at(0), at(1)]
    return outer.p * Math.exp((-Math.log(inner.p / outer.p) * (outer.v - actual)) / Math.max(inner.v - outer.v, Number.MIN_VALUE))
  }
  if (actual > at(last).v) {
    const [outer, inner] = [at(last), at(last - 1)]
    return (
      1 - (1 - outer.p) * Math.exp((-Math.log((1 - inner.p) / (1 - outer.p)) * (actual - outer.v)) / Math.max(outer.v - inner.v, Number.MIN_VALUE))
    )
  }
  const first = values.findIndex((value) => value >= actual)
  const high = at(first)
  if (high.v === actual) {
    const tied = at(values.findLastIndex((value) => value === actual))
    return (high.p + tied.p) / 2
  }
  const low = at(first - 1)
  return low.p + ((actual - low.v) / (high.v - low.v)) * (high.p - low.p)
}
