import type { FittedMember, Member } from './member.ts'
import { History } from './member.ts'
import { dot, Ridge } from './ridge.ts'

const columns = 8
const penalty = 100

/**
 * One ridge regression per step ahead (the direct strategy; Taieb, Bontempi et al. 2012). It predicts the distance of `y[t+k]` from
 * the recent mean of its hour, from how far the last values, the last day and the hour's last values are from theirs.
 */
export const directRidge: Member = {
  name: 'direct-ridge',
  fit(values, { periods, horizon }) {
    const period = periods[0]
    if (period === undefined || period < 6 || values.length < 4 * period + horizon) return undefined
    return fitDirect(values, period, periods[1], horizon)
  },
}

function fitDirect(values: Float64Array, period: number, longer: number | undefined, horizon: number): FittedMember | undefined {
  const week = longer !== undefined && values.length >= 2 * longer + period ? longer : undefined
  const features = new Features(values, period, week)
  const first = Math.max(2 * period, week ?? 0)
  const row = new Float64Array(columns)
  const models: Float64Array[] = []
  const regressions = Array.from({ length: horizon }, () => new Ridge(columns))
  const replay = new Features(values.subarray(0, first), period, week)
  for (let origin = first; origin < values.length; origin++) {
    for (let step = 0; step < horizon && origin + step < values.length; step++) {
      const base = replay.fill(row, step)
      regressions[step]!.add(row, values[origin + step]! - base)
    }
    replay.push(values[origin]!)
  }
  for (const regression of regressions) {
    const model = regression.solve(penalty)
    if (model === undefined) return undefined
    models.push(model)
  }
  return {
    predict(into) {
      for (let step = 0; step < into.length; step++) {
        const model = models[Math.min(step, horizon - 1)]!
        into[step] = features.fill(row, step) + dot(row, model)
      }
    },
    update: (value) => features.push(value),
  }
}

/** The state that the features read: history, the recent mean of each hour, the mean of the last cycle. */
class Features {
  private readonly history: History
  private readonly profile: Float64Array
  private sum = 0

  private readonly period: number
  private readonly week: number | undefined

  constructor(values: Float64Array, period: number, week: number | undefined) {
    this.period = period
    this.week = week
    this.history = new History(values.subarray(0, period))
    this.profile = values.slice(0, period)
    for (const value of this.profile) this.sum += value
    for (let index = period; index < values.length; index++) this.push(values[index]!)
  }

  push(value: number): void {
    const slot = this.history.length % this.period
    this.sum += value - this.history.back(this.period)
    this.profile[slot] = this.profile[slot]! + 0.15 * (value - this.profile[slot]!)
    this.history.push(value)
  }

  /** Writes the features for `step` + 1 steps ahead and returns the base: the recent mean of that hour. */
  fill(row: Float64Array, step: number): number {
    const { history, period, profile, week } = this
    const next = history.length
    const base = profile[(next + step) % period]!
    const recent = (lag: number): number => history.back(lag) - profile[(next - lag + period) % period]!
    const cycle = step % period
    row[0] = 1
    row[1] = recent(1)
    row[2] = (recent(2) + recent(3)) / 2
    row[3] = (recent(4) + recent(5) + recent(6)) / 3
    row[4] = this.sum / period - base
    row[5] = history.back(period - cycle) - base
    row[6] = history.length >= 2 * period ? history.back(2 * period - cycle) - base : 0
    row[7] = week === undefined ? 0 : history.back(week - (step % week)) - base
    return base
  }
}
