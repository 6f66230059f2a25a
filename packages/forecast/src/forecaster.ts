import type { Random } from '@understudy/core'
import { backtest, fitOrNothing } from './combination/backtest.ts'
import { onlyEarned } from './combination/earned.ts'
import type { Combination } from './combination/weights.ts'
import { heldOutErrors } from './combination/held-out-errors.ts'
import { combine, combined } from './combination/weights.ts'
import { ErrorPool } from './distribution/conformal.ts'
import { LeastValue } from './distribution/least-value.ts'
import { PlaceScale } from './distribution/place-scale.ts'
import { RecentScale } from './distribution/recent-scale.ts'
import type { Distribution } from './distribution/distribution.ts'
import { gridLevels, levelAmong, samplePaths } from './distribution/distribution.ts'
import { ForecastError } from './errors.ts'
import { requireGapsOrFinite, requireWhole } from './requirements.ts'
import { crpsOfRow } from './evaluation/crps.ts'
import type { Score, Verdict } from './evaluation/scorecard.ts'
import { Scorecard, verdictOf } from './evaluation/scorecard.ts'
import type { Factor } from './factors/factor.ts'
import type { Correct, Correction, Corrector } from './learned/correction.ts'
import type { LocalForecast } from './learned/local-forecast.ts'
import { emptyLocalForecast, localLevels } from './learned/local-forecast.ts'
import type { FittedMember, Member, Plan } from './members/member.ts'
import { fillGaps } from './series/fill.ts'
import type { Scale } from './series/scale.ts'
import { scaleOf } from './series/scale.ts'
import type { Series } from './series/series.ts'

export interface FitOptions {
  /** Steps ahead, 1 … 2000. */
  readonly horizon: number
  /** Seasonal periods in steps. Default: `seasonalPeriods`. */
  readonly periods?: readonly number[]
  /** What outside the series may move it. Used where the backtest is better with it, and else left alone. */
  readonly factors?: readonly Factor[]
  /** The models; all by default. The first is the yardstick. */
  readonly members?: readonly Member[]
}

/** A value that is farther from the history than so many of its own units counts as that: the unit is no longer a measure of it. */
const farthest = 1e12

/** What is forecast at one time, for each step ahead: told, and later compared with what happens. */
interface Told {
  readonly points: Float64Array
  readonly naive: Float64Array
  /** The scale of the time at which they were made. */
  readonly restlessness: number
  /** The scores at each level, per step. */
  readonly offsets: readonly Float64Array[]
  readonly correction: Correction | undefined
}

const medianIndex = gridLevels.indexOf(0.5)
const localIndices = Object.entries(localLevels).map(([name, level]) => [name as keyof typeof localLevels, gridLevels.indexOf(level)] as const)

/** What was fitted to a series: it predicts, takes in what happens, and says how far it may be trusted. */
export interface Forecaster {
  /** The models that the combination holds and their weights; a model that failed is not among them. */
  readonly members: readonly { readonly name: string; readonly weight: number }[]
  /** Quantiles for the next `horizon` steps (at most those fitted for), never below the series' floor or above its cap. */
  predict(horizon?: number): Distribution
  /** `count` courses that the next `horizon` steps may take, with the dependence between steps of past errors. */
  paths(horizon: number, count: number, random: Random): readonly Float64Array[]
  /**
   * Takes in what happened, in the series' unit, in order; NaN is a gap. Scores the forecasts that came due and adapts the width.
   * @throws ForecastError naming `values` when one is infinite or beyond 1e100
   */
  update(values: ArrayLike<number>): void
  /**
   * How the forecasts `step` steps ahead that came due since fitting did, and what follows from it; the full horizon by default.
   * @throws ForecastError naming `step`
   */
  assess(step?: number): { readonly score: Score } & Verdict
}

/** The forecaster of a series whose steps are those of the clock that its habits follow. */
export class RegularForecaster implements Forecaster {
  private readonly series: Series
  private readonly plan: Plan
  private readonly scale: Scale
  private readonly fitted: readonly FittedMember[]
  private readonly combination: Combination
  private readonly pool: ErrorPool
  private readonly placeScale: PlaceScale
  private readonly recentScale: RecentScale
  private readonly least: LeastValue
  /** The index of the next value. */
  private position: number
  private readonly trajectories: Float64Array[] = []
  /** One per step ahead. */
  private readonly scorecards: readonly Scorecard[]
  private readonly pending: Told[] = []
  private offsets: readonly Float64Array[] | undefined
  /** Until a value comes. */
  private current: Told | undefined
  private readonly corrector: Corrector | undefined
  private readonly local: LocalForecast | undefined
  /** Where each model writes its forecasts, and those of all for one step. */
  private readonly each: readonly Float64Array[]
  private readonly at: Float64Array
  /** The quantiles of one step. */
  private readonly row = new Float64Array(gridLevels.length)
  readonly members: readonly { readonly name: string; readonly weight: number }[]

  /** @param correct makes what corrects the forecast by what was learnt elsewhere */
  constructor(series: Series, plan: Plan, members: readonly Member[], correct?: Correct) {
    this.series = series
    this.plan = plan
    this.scale = scaleOf(series.values)
    const period = plan.periods[0] ?? 1
    const { centre, unit } = this.scale
    const values = fillGaps(series.values, period).map((value) => (value - centre) / unit)
    const isGap = Array.from(series.values, (value) => !Number.isFinite(value))
    const past = onlyEarned(backtest(values, members, plan), values, isGap, values.length / period)
    const fits = past.members.flatMap((entry) => {
      const model = fitOrNothing(entry.member, values, plan)
      return model === undefined ? [] : [{ ...entry, model }]
    })
    if (fits.length === 0) throw new ForecastError('members', 'none could be fitted')
    this.fitted = fits.map(({ model }) => model)
    this.each = fits.map(() => new Float64Array(plan.horizon))
    this.at = new Float64Array(fits.length)
    const scored = { ...past, members: fits }
    this.combination = combine(scored, values, isGap, values.length / period)
    this.members = fits.map(({ member }, index) => ({ name: member.name, weight: this.combination.weights[index]! }))
    this.pool = new ErrorPool(plan.horizon, Math.max(past.origins.length, 48))
    // Far horizons keep fewer outcomes per step, so that all of them together stay within some megabytes.
    const kept = plan.horizon <= 200 ? 336 : 96
    this.scorecards = Array.from({ length: plan.horizon }, (_, step) => new Scorecard(step + 1, kept))
    this.least = new LeastValue(series.values, period)
    const errors = heldOutErrors(scored, values, isGap, values.length / period)
    this.placeScale = new PlaceScale(errors, past.origins, plan.horizon, period)
    this.recentScale = this.learnErrors(errors, past.origins)
    this.position = values.length
    this.corrector = correct?.(
      series,
      values,
      plan,
      fits.map(({ member }) => member),
    )
    this.local = this.corrector && emptyLocalForecast(plan.horizon)
    if (past.origins.length === 0) this.learnMoves(values)
  }

  /** Too short for a backtest: the moves of the values themselves are the errors of the last value. */
  private learnMoves(values: Float64Array): void {
    for (let step = 0; step < Math.min(this.plan.horizon, values.length - 1); step++) {
      for (let index = step + 1; index < values.length; index++) this.pool.add(step, values[index]! - values[index - step - 1]!)
    }
  }

  private learnErrors(errors: Float64Array, origins: Int32Array): RecentScale {
    const { horizon } = this.plan
    const oneAhead = Float64Array.from(origins, (origin, row) => errors[row * horizon]! / this.placeScale.at(origin))
    const recentScale = new RecentScale(oneAhead)
    origins.forEach((origin, row) => {
      const trajectory = errors.subarray(row * horizon, (row + 1) * horizon)
      const restlessness = recentScale.before(oneAhead, row)
      trajectory.forEach((error, step) => {
        if (!Number.isNaN(error)) this.pool.add(step, error / (restlessness * this.placeScale.at(origin + step)))
      })
      if (!trajectory.some(Number.isNaN)) this.trajectories.push(trajectory)
    })
    return recentScale
  }

  predict(horizon = this.plan.horizon): Distribution {
    requireWhole('horizon', horizon, 1, this.plan.horizon)
    const { floor, cap } = this.series
    const { centre, unit } = this.scale
    const told = this.now()
    const values = Array.from({ length: horizon }, (_, step) => {
      const share = this.least.shareAt(this.position + step)
      return this.fillRow(told, step, this.position + step).map((quantile, index) => {
        const value = centre + unit * quantile
        return Math.min(cap, Math.max(floor, gridLevels[index]! <= share ? Math.min(this.least.value, value) : value))
      })
    })
    return { levels: gridLevels, values }
  }

  paths(horizon: number, count: number, random: Random): readonly Float64Array[] {
    const distribution = this.predict(horizon)
    return samplePaths(distribution, this.trajectories, count, random)
  }

  update(values: ArrayLike<number>): void {
    requireGapsOrFinite('values', values)
    for (let index = 0; index < values.length; index++) this.take(values[index]!)
  }

  assess(step = this.plan.horizon): { readonly score: Score } & Verdict {
    requireWhole('step', step, 1, this.plan.horizon)
    const score = this.scorecards[step - 1]!.score()
    return { score, ...verdictOf(score) }
  }

  private take(value: number): void {
    const { centre, unit } = this.scale
    const { points } = this.now()
    this.pending.unshift(this.now())
    if (this.pending.length > this.plan.horizon) this.pending.pop()
    const normal = Number.isFinite(value) ? Math.max(-farthest, Math.min(farthest, (value - centre) / unit)) : points[0]!
    if (Number.isFinite(value)) this.settle(normal)
    this.least.add(value)
    for (const model of this.fitted) model.update(normal)
    this.corrector?.add(normal)
    this.current = undefined
    this.position++
  }

  /** Forecasts made 1 … horizon steps ago were about this point. */
  private settle(value: number): void {
    const last = this.plan.horizon - 1
    const { centre, unit } = this.scale
    const place = this.placeScale.at(this.position)
    const share = this.least.shareAt(this.position)
    const least = (this.least.value - centre) / unit
    this.pending.forEach((past, step) => {
      this.pool.add(step, (value - past.points[step]!) / (place * past.restlessness))
      const row = this.fillRow(past, step, this.position)
      const forecast = past.correction === undefined ? past.points[step]! : row[medianIndex]!
      for (let index = 0; gridLevels[index]! <= share; index++) row[index] = Math.min(least, row[index]!)
      const level = levelAmong(gridLevels, row, value)
      if (step === last || step === 0) this.pool.adapt(level >= 0.1 && level <= 0.9)
      this.scorecards[step]!.add({
        actual: unit * value,
        forecast: unit * forecast,
        naive: unit * past.naive[step]!,
        level,
        crps: unit * crpsOfRow(gridLevels, row, value),
      })
    })
    this.recentScale.add((value - this.pending[0]!.points[0]!) / place)
    // Sorting the errors anew at every point would cost more than it tells; an hourly series is sorted once a day.
    if (++this.sinceSorted >= 24) {
      this.offsets = undefined
      this.sinceSorted = 0
    }
  }
  private sinceSorted = 0

  private currentOffsets(): readonly Float64Array[] {
    return (this.offsets ??= this.pool.offsets())
  }

  private now(): Told {
    return (this.current ??= this.tell())
  }

  private tell(): Told {
    const { fitted, each, at, corrector } = this
    for (let index = 0; index < fitted.length; index++) fitted[index]!.predict(each[index]!)
    const points = new Float64Array(this.plan.horizon)
    for (let step = 0; step < points.length; step++) {
      for (let index = 0; index < each.length; index++) at[index] = each[index]![step]!
      points[step] = combined(this.combination, at)
    }
    const restlessness = this.recentScale.now()
    const told = { points, naive: each[0]!.slice(), restlessness, offsets: this.currentOffsets(), correction: undefined }
    return corrector === undefined ? told : { ...told, correction: corrector.correct(this.localForecast(told)) }
  }

  private localForecast(told: Told): LocalForecast {
    const { each } = this
    const local = this.local!
    for (let step = 0; step < told.points.length; step++) {
      const row = this.fillRow(told, step, this.position + step)
      for (const [name, index] of localIndices) local[name][step] = row[index]!
      let sum = 0
      for (let index = 0; index < each.length; index++) sum += each[index]![step]!
      local.meanOfModels[step] = sum / each.length
    }
    return local
  }

  /** The quantiles of one step in normal units, at the index `position`; overwritten by the next call. */
  private fillRow({ points, restlessness, offsets, correction }: Told, step: number, position: number): Float64Array {
    const { row } = this
    const point = points[step]!
    const spread = restlessness * this.placeScale.at(position)
    const distances = offsets[step]!
    for (let index = 0; index < row.length; index++) row[index] = point + spread * distances[index]!
    if (correction === undefined) return row
    const median = row[medianIndex]!
    const moved = median + correction.shift[step]!
    const [below, above] = [correction.below[step]!, correction.above[step]!]
    for (let index = 0; index < row.length; index++) row[index] = moved + (index < medianIndex ? below : above) * (row[index]! - median)
    return row
  }
}
