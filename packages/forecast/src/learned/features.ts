import type { LocalForecast } from './local-forecast.ts'
import { parts } from './forest.ts'
import { localDeviation } from './local-forecast.ts'

/** So many of the last values are looked at: a fortnight of hours, by days. */
const [day, days] = [24, 14]
export const lookedAt = day * days
/** Distances count no further than so many deviations. */
const farthest = 20

/**
 * What is known of one step ahead: the step, and distances in local deviations, most of them from the local median. What tells one kind of series from
 * another (how rough it is, how alike its days are) is not among them, since what is learnt has to hold for kinds that were not learnt from.
 */
export const featureNames = [
  ...['step', 'mean of models'],
  ...['mean 1', 'mean 3', 'mean 6', 'mean 12', 'mean 24', 'mean 72', 'mean 168', 'mean 336'],
  ...['least 24', 'most 24', 'least 168', 'most 168'],
  ...['24 before', '48 before', '168 before', '192 before', '336 before'],
  ...['habit', 'habit of the week', 'least of the week', 'most of the week'],
  // How much what was differs from its habit, and levels from those before.
  ...['off 1', 'off 3', 'off 24', 'change of week', 'change of day'],
] as const

const lags = [24, 48, 168, 192, 336] as const
const spans = [1, 3, 6, 12, 24, 72, 168, 336] as const

/** Features of all steps, in `parts`: feature `f` of step `s` is at `f * horizon + s`. Scratch for it is kept, since this is done for each point. */
export class FeatureTable {
  readonly horizon: number
  readonly values: Int32Array
  private readonly sorted = new Float64Array(days)
  /** Sums of all values before each. */
  private readonly sums = new Float64Array(lookedAt + 1)
  /** Means and extremes of values, and differences. */
  private readonly distances = new Float64Array(spans.length + 4)
  private readonly differences = new Float64Array(5)
  /** By hour of the day, the first being the next hour's. */
  private readonly habit = new Float64Array(day)
  private readonly weekMean = new Float64Array(day)
  private readonly weekLeast = new Float64Array(day)
  private readonly weekMost = new Float64Array(day)

  constructor(horizon: number) {
    this.horizon = horizon
    this.values = new Int32Array(featureNames.length * horizon)
  }

  /** @param past the last `lookedAt` values, in normal units */
  fill(past: Float64Array, local: LocalForecast): void {
    this.fillHabits(past)
    this.fillWhole(past)
    for (let step = 0; step < this.horizon; step++) this.fillStep(past, local, step)
  }

  private fillStep(past: Float64Array, local: LocalForecast, step: number): void {
    const { horizon, values } = this
    const deviation = Math.max(localDeviation(local, step), 1e-9)
    const median = local.median[step]!
    const place = step % day
    values[step] = parts * (step + 1)
    let at = step
    const put = (value: number): void => {
      at += horizon
      values[at] = parts * Math.max(-farthest, Math.min(farthest, value / deviation))
    }
    put(local.meanOfModels[step]! - median)
    for (const distance of this.distances) put(distance - median)
    for (const lag of lags) put(past[lookedAt - lag + (step % lag)]! - median)
    put(this.habit[place]! - median)
    put(this.weekMean[place]! - median)
    put(this.weekLeast[place]! - median)
    put(this.weekMost[place]! - median)
    for (const difference of this.differences) put(difference)
  }

  private fillHabits(past: Float64Array): void {
    const { sorted } = this
    for (let place = 0; place < day; place++) {
      let [sum, least, most] = [0, Infinity, -Infinity]
      for (let which = 0; which < days; which++) {
        const value = past[which * day + place]!
        let at = which
        while (at > 0 && sorted[at - 1]! > value) {
          sorted[at] = sorted[at - 1]!
          at--
        }
        sorted[at] = value
        if (which < days / 2) continue
        sum += value
        least = Math.min(least, value)
        most = Math.max(most, value)
      }
      this.habit[place] = (sorted[days / 2 - 1]! + sorted[days / 2]!) / 2
      this.weekMean[place] = sum / (days / 2)
      this.weekLeast[place] = least
      this.weekMost[place] = most
    }
  }

  private fillWhole(past: Float64Array): void {
    const { sums, distances, differences, habit } = this
    for (let index = 0; index < lookedAt; index++) sums[index + 1] = sums[index]! + past[index]!
    const mean = (from: number, to = lookedAt): number => (sums[to]! - sums[from]!) / (to - from)
    spans.forEach((span, which) => (distances[which] = mean(lookedAt - span)))
    let [least, most] = [Infinity, -Infinity]
    for (let back = 1; back <= 7 * day; back++) {
      const value = past[lookedAt - back]!
      least = Math.min(least, value)
      most = Math.max(most, value)
      if (back !== day && back !== 7 * day) continue
      const which = spans.length + (back === day ? 0 : 2)
      distances[which] = least
      distances[which + 1] = most
    }
    const off = (hours: number): number => {
      let sum = 0
      for (let back = 1; back <= hours; back++) sum += past[lookedAt - back]! - habit[day - back]!
      return sum / hours
    }
    differences[0] = off(1)
    differences[1] = off(3)
    differences[2] = off(day)
    differences[3] = mean(7 * day) - mean(0, 7 * day)
    differences[4] = mean(lookedAt - day) - mean(lookedAt - 2 * day, lookedAt - day)
  }
}
