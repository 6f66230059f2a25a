import { ForecastError } from '../errors.ts'
import { requireGapsOrFinite } from '../requirements.ts'
import { WallClock } from './wall-clock.ts'

/** A regular series: `values[i]` belongs to `startMs + i * stepMs`. A gap is NaN, which is the only value that is not finite. */
export interface Series {
  readonly values: Float64Array
  /** Milliseconds since the epoch of the first value. */
  readonly startMs: number
  /** Milliseconds between two values. */
  readonly stepMs: number
  /** No forecast is below it; -Infinity where nothing bounds the quantity. */
  readonly floor: number
  /** No forecast is above it, such as the physical capacity; Infinity where nothing bounds the quantity. */
  readonly cap: number
  /** Whose clocks its habits follow, such as `Europe/Berlin`; absent where they follow universal time. */
  readonly timeZone?: string
}

export interface SeriesInput {
  readonly values: ArrayLike<number>
  readonly startMs?: number
  /** An hour by default. */
  readonly stepMs?: number
  /** 0 by default: demand is not negative. */
  readonly floor?: number
  readonly cap?: number
  /** As of `Series`; with it, `startMs` has to be given. */
  readonly timeZone?: string
}

/**
 * @throws ForecastError naming the argument: no two finite values, an infinity or a value beyond 1e100, a step that is not positive, floor
 * above cap, a time zone that is not known.
 */
export function regularSeries(input: SeriesInput): Series {
  const values = Float64Array.from(input.values)
  const { startMs = 0, stepMs = 3_600_000, floor = 0, cap = Infinity, timeZone } = input
  requireGapsOrFinite('values', values)
  const finite = values.filter(Number.isFinite).length
  if (finite < 2) throw new ForecastError('values', `${finite} finite values are too few, 2 are the least`)
  if (!Number.isFinite(startMs)) throw new ForecastError('startMs', `is ${startMs}`)
  if (!Number.isFinite(stepMs) || stepMs <= 0) throw new ForecastError('stepMs', `has to be positive, and is ${stepMs}`)
  if (Number.isNaN(floor)) throw new ForecastError('floor', 'is NaN')
  if (Number.isNaN(cap) || cap < floor) throw new ForecastError('cap', `has to be a number not below the floor ${floor}, and is ${cap}`)
  const regular = { values, startMs, stepMs, floor, cap }
  if (timeZone === undefined) return regular
  if (input.startMs === undefined) throw new ForecastError('startMs', 'is needed where a time zone is given')
  new WallClock({ startMs, stepMs, timeZone })
  return { ...regular, timeZone }
}
