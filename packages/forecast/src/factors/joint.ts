import { ForecastError } from '../errors.ts'
import type { FitOptions, Forecaster } from '../forecaster.ts'
import { fitForecaster } from '../fit-forecaster.ts'
import type { Series } from '../series/series.ts'
import type { Factor } from './factor.ts'

/** A series among others: what it is called, and what is known of the outside beside the others. */
export interface JointSeries {
  readonly name: string
  readonly series: Series
  readonly factors?: readonly Factor[]
}

/**
 * Forecasts several clusters with one another: each is a factor, known until now, of all others. Whether it informs is decided for
 * each by its own backtest, so that strangers cost nothing.
 * @returns one per series, in their order
 * @throws ForecastError naming `series` when they do not start, step and end together
 */
export function fitJointly(all: readonly JointSeries[], options: FitOptions): readonly Forecaster[] {
  const [first] = all
  for (const { name, series } of all) {
    const isAligned =
      series.startMs === first!.series.startMs && series.stepMs === first!.series.stepMs && series.values.length === first!.series.values.length
    if (!isAligned) throw new ForecastError('series', `${name} is not at the times of ${first!.name}`)
  }
  return all.map(({ name, series, factors = [] }) => {
    const neighbours = all
      .filter((other) => other.name !== name)
      .map((other): Factor => ({ name: `series ${other.name}`, kind: 'numeric', known: 'until-now', values: other.series.values }))
    return fitForecaster(series, { ...options, factors: [...(options.factors ?? []), ...factors, ...neighbours] })
  })
}
