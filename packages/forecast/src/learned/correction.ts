import { History } from '../members/member.ts'
import type { Member, Plan } from '../members/member.ts'
import { allMembers } from '../members/index.ts'
import type { Series } from '../series/series.ts'
import { FeatureTable, lookedAt } from './features.ts'
import type { Forest } from './forest.ts'
import { outputs, predictForest } from './forest.ts'
import type { LocalForecast } from './local-forecast.ts'
import { localDeviation } from './local-forecast.ts'

/** What changes a forecast: per step ahead, quantiles move by `shift` (normal units), their distances from the median are multiplied. */
export interface Correction {
  readonly shift: Float64Array
  readonly below: Float64Array
  readonly above: Float64Array
}

/** What corrects the forecasts of one series as it goes on. */
export interface Corrector {
  /** Moves on by one value, in normal units. */
  add(value: number): void
  correct(local: LocalForecast): Correction
}

/**
 * Makes a corrector for a series, its values so far (without gaps, in normal units) and the models that are combined; undefined where it knows
 * nothing of such forecasts.
 */
export type Correct = (series: Series, values: Float64Array, plan: Plan, members: readonly Member[]) => Corrector | undefined

/** What other series taught: the 10 %, the 50 % and the 90 % quantile of (what came − local median) / local deviation. */
export type LearnedModel = Forest

const hourMs = 3_600_000
/** A day, and the hour that clocks may add to it. */
const horizonMax = 25
/** From four weeks on models are combined in another way, which was not learnt from. */
const historyMax = 28 * 24
/**
 * The shares of the learnt correction that are believed, of the median and, in logarithms, of the width. More of the median is better for series like
 * those that were learnt from, and worse for others.
 */
const believed = { shift: 0.25, width: 0.5 }
/** No learnt correction is larger: of the median in local deviations, of the width as a factor. */
const [largestShift, largestFactor] = [2, 2]
const leastWidth = 0.05

/** Whether a series is of the kind that was learnt from: two to four weeks of hours with a day in them, a day ahead, by the engine's own models. */
export function isLearnable(...[{ stepMs }, values, { horizon, periods }, members]: Parameters<Correct>): boolean {
  const isKind = stepMs === hourMs && horizon <= horizonMax && periods[0] === 24
  return isKind && values.length >= lookedAt && values.length < historyMax && members.every((member) => allMembers.includes(member))
}

/**
 * Corrects forecasts by what other series taught of errors like these (a global model over local ones; Januschowski et al. 2020). All that it
 * sees and says is relative to the local forecast, so that the unit of a series makes no difference.
 */
export function correctBy(model: LearnedModel): Correct {
  return (series, values, plan, members) =>
    isLearnable(series, values, plan, members) ? new LearnedCorrector(model, values, plan.horizon) : undefined
}

class LearnedCorrector implements Corrector {
  private readonly model: LearnedModel
  private readonly history: History
  private readonly table: FeatureTable
  /** What was learnt, of all steps: low quantiles, medians and high ones. */
  private readonly learnt: Float64Array

  constructor(model: LearnedModel, values: Float64Array, horizon: number) {
    this.model = model
    this.history = new History(values)
    this.table = new FeatureTable(horizon)
    this.learnt = new Float64Array(outputs * horizon)
  }

  add(value: number): void {
    this.history.push(value)
  }

  correct(local: LocalForecast): Correction {
    const { model, table, history, learnt } = this
    const { horizon } = table
    table.fill(history.values.subarray(history.length - lookedAt, history.length), local)
    predictForest(model, table.values, horizon, learnt)
    const correction = { shift: new Float64Array(horizon), below: new Float64Array(horizon), above: new Float64Array(horizon) }
    for (let step = 0; step < horizon; step++) {
      const deviation = localDeviation(local, step)
      const [low, median, high] = [learnt[step]!, learnt[horizon + step]!, learnt[2 * horizon + step]!]
      const shift = Math.max(-largestShift, Math.min(largestShift, median))
      correction.shift[step] = believed.shift * shift * deviation
      correction.below[step] = factor(median - low, (local.median[step]! - local.low[step]!) / deviation)
      correction.above[step] = factor(high - median, (local.high[step]! - local.median[step]!) / deviation)
    }
    return correction
  }
}

/** By how much a width becomes the learnt one; 1 where the local one is none at all. */
function factor(learnt: number, local: number): number {
  if (!(local >= 0)) return 1
  const ratio = Math.max(learnt, leastWidth) / Math.max(local, leastWidth)
  return Math.max(1 / largestFactor, Math.min(largestFactor, ratio)) ** believed.width
}
