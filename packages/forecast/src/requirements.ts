import { ForecastError } from './errors.ts'

/** Larger numbers are no measurements, and their squares are not finite. */
const largest = 1e150

const isUsable = (value: number | undefined): boolean => value !== undefined && Math.abs(value) <= largest

/** Finite, and not beyond 1e150. */
export function requireFinite(argument: string, value: number): number {
  if (!isUsable(value)) throw new ForecastError(argument, `must be a finite number within ±${largest}, not ${value}`)
  return value
}

export function requirePositive(argument: string, value: number): number {
  if (requireFinite(argument, value) <= 0) throw new ForecastError(argument, `must be above 0, not ${value}`)
  return value
}

export function requireNotNegative(argument: string, value: number): number {
  if (requireFinite(argument, value) < 0) throw new ForecastError(argument, `must not be below 0, not ${value}`)
  return value
}

export function requireProbability(argument: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new ForecastError(argument, `must be a probability from 0 to 1, not ${value}`)
  return value
}

export function requireAllFinite(argument: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!isUsable(values[i])) throw new ForecastError(`${argument}[${i}]`, `must be a finite number within ±${largest}, not ${values[i]}`)
  }
}

/** @throws ForecastError unless `value` is a whole number in [min, max]. */
export function requireWhole(argument: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ForecastError(argument, `has to be a whole number from ${min} to ${max}, and is ${value}`)
  }
}

/** @throws ForecastError when an entry is NaN, infinite or beyond 1e150. */
export function requireFiniteEntries(argument: string, values: ArrayLike<number>): void {
  for (let index = 0; index < values.length; index++) {
    if (!isUsable(values[index])) throw new ForecastError(argument, `entry ${index} is ${values[index]}`)
  }
}

/** @throws ForecastError when the two differ in length. */
export function requireSameLength(argument: string, values: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (values.length !== expected.length) throw new ForecastError(argument, `has ${values.length} entries where ${expected.length} are needed`)
}

/** @throws ForecastError unless levels rise within (0, 1), and there is one finite value for each, none below the one before. */
export function requireQuantiles(argument: string, { levels, values }: { readonly levels: Float64Array; readonly values: Float64Array }): void {
  if (values.length !== levels.length) throw new ForecastError(`${argument}.values`, `needs ${levels.length} values, has ${values.length}`)
  requireAllFinite(`${argument}.values`, values)
  levels.forEach((level, i) => {
    if (!(level >= 1e-9 && level <= 1 - 1e-9)) throw new ForecastError(`${argument}.levels[${i}]`, `must be between 0 and 1, not ${level}`)
    if (i > 0 && level <= (levels[i - 1] ?? 0)) throw new ForecastError(`${argument}.levels[${i}]`, 'must be above the level before')
    if (i > 0 && (values[i] ?? 0) < (values[i - 1] ?? 0)) throw new ForecastError(`${argument}.values[${i}]`, 'must not be below the one before')
  })
}

/** Of a series, so that forecasts and errors, which may be larger, are still usable. */
const largestOfSeries = 1e100

/** @throws ForecastError when an entry is infinite or beyond 1e100; NaN is a gap. */
export function requireGapsOrFinite(argument: string, values: ArrayLike<number>): void {
  for (let index = 0; index < values.length; index++) {
    if (Math.abs(values[index]!) > largestOfSeries) throw new ForecastError(argument, `entry ${index} is ${values[index]}`)
  }
}
