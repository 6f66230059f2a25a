import type { Random } from '@understudy/core'
import type { Distribution } from './distribution/distribution.ts'
import type { Verdict, Score } from './evaluation/scorecard.ts'
import type { Factor } from './factors/factor.ts'
import type { FitOptions, Forecaster } from './forecaster.ts'
import { requireGapsOrFinite, requireWhole } from './requirements.ts'
import type { Series } from './series/series.ts'
import { WallClock } from './series/wall-clock.ts'

const hourMs = 3_600_000
/** The longest horizon that can be fitted. */
const horizonMax = 2000

/**
 * The forecaster of a series whose habits follow local clocks: models see the steps of those clocks, on which a habit stays where it is.
 * An hour that clocks skip is a gap of theirs; of one that they show twice the first is taken in, and both are forecast alike.
 */
export class ZonedForecaster implements Forecaster {
  private readonly clock: WallClock
  private readonly horizon: number
  private readonly inner: Forecaster
  private readonly innerHorizon: number
  /** The steps of the series, and the cells of its clock, that have been taken in. */
  private position: number
  private taken: number

  /** @param fit what fits a series without a time zone */
  constructor(series: Series & { readonly timeZone: string }, options: FitOptions, fit: (series: Series, options: FitOptions) => Forecaster) {
    const { timeZone: _timeZone, ...onClock } = series
    this.clock = new WallClock(series)
    this.horizon = options.horizon
    // Clocks that go forward within the horizon put its end further away.
    this.innerHorizon = Math.min(horizonMax, options.horizon + Math.round(hourMs / series.stepMs))
    const cells = this.stepsOfCells(series.values.length)
    const values = Float64Array.from(cells, (step) => (step === undefined ? NaN : series.values[step]!))
    const factors = (options.factors ?? []).map((factor) => this.onClock(factor, cells.length))
    this.inner = fit({ ...onClock, values }, { ...options, horizon: this.innerHorizon, factors })
    this.position = series.values.length
    this.taken = cells.length
  }

  get members(): Forecaster['members'] {
    return this.inner.members
  }

  predict(horizon = this.horizon): Distribution {
    requireWhole('horizon', horizon, 1, this.horizon)
    const { levels, values } = this.inner.predict()
    return { levels, values: this.rows(horizon).map((row) => values[row]!) }
  }

  paths(horizon: number, count: number, random: Random): readonly Float64Array[] {
    requireWhole('horizon', horizon, 1, this.horizon)
    const rows = this.rows(horizon)
    return this.inner.paths(this.innerHorizon, count, random).map((path) => Float64Array.from(rows, (row) => path[row]!))
  }

  update(values: ArrayLike<number>): void {
    requireGapsOrFinite('values', values)
    for (let index = 0; index < values.length; index++) {
      const cell = this.clock.cellOf(this.position++)
      if (cell < this.taken) continue
      const skipped = cell - this.taken
      this.inner.update(Float64Array.from({ length: skipped + 1 }, (_, at) => (at === skipped ? values[index]! : NaN)))
      this.taken = cell + 1
    }
  }

  assess(step = this.horizon): { readonly score: Score } & Verdict {
    requireWhole('step', step, 1, this.horizon)
    return this.inner.assess(step)
  }

  /** Which of the inner forecaster's steps tells of each of the next `horizon` steps. */
  private rows(horizon: number): readonly number[] {
    return Array.from({ length: horizon }, (_, step) =>
      Math.max(0, Math.min(this.innerHorizon - 1, this.clock.cellOf(this.position + step) - this.taken)),
    )
  }

  /** The step that is taken for each cell of the clock up to the last of `count` steps; undefined where clocks skipped it. */
  private stepsOfCells(count: number): readonly (number | undefined)[] {
    const steps: (number | undefined)[] = []
    for (let step = 0; step < count; step++) {
      const cell = this.clock.cellOf(step)
      if (cell < steps.length) continue
      while (steps.length < cell) steps.push(undefined)
      steps.push(step)
    }
    return steps
  }

  /** A factor by the cells of the clock, as far as the inner horizon where it is known ahead: a skipped cell is as the one before it. */
  private onClock(factor: Factor, known: number): Factor {
    const steps = this.stepsOfCells(factor.values.length)
    const count = factor.known === 'ahead' ? Math.max(steps.length, known + this.innerHorizon) : steps.length
    let last = 0
    const at = Array.from({ length: count }, (_, cell) => (last = steps[cell] ?? last))
    if (factor.kind === 'numeric') return { ...factor, values: Float64Array.from(at, (step) => factor.values[step]!) }
    return { ...factor, values: at.map((step) => factor.values[step]!) }
  }
}
