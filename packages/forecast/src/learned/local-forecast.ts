/** What the engine says of each step ahead before it is corrected, in normal units: one entry per step. */
export interface LocalForecast {
  /** Quantiles. */
  readonly low: Float64Array
  readonly median: Float64Array
  readonly high: Float64Array
  /** The mean of all models' forecasts, without weights. */
  readonly meanOfModels: Float64Array
}

/** The levels of its quantiles. */
export const localLevels = { low: 0.1, median: 0.5, high: 0.9 } as const

/** Standard deviations of the normal between its 10 % and its 90 % quantile. */
const between = 2.5631

/** The distance that a normal distribution with these quantiles has as its standard deviation; 0 where there is no width. */
export function localDeviation({ low, high }: LocalForecast, step: number): number {
  return (high[step]! - low[step]!) / between
}

export function emptyLocalForecast(horizon: number): LocalForecast {
  const column = (): Float64Array => new Float64Array(horizon)
  return { low: column(), median: column(), high: column(), meanOfModels: column() }
}
