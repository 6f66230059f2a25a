import { ForecastError } from './errors.ts'

export function requireFinite(argument: string, value: number): number {
  if (!Number.isFinite(value)) throw new ForecastError(argument, `must be a finite number, not ${value}`)
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
    const value = values[i]
    if (value === undefined || !Number.isFinite(value)) throw new ForecastError(`${argument}[${i}]`, `must be a finite number, not ${value}`)
  }
}

/** @throws ForecastError unless `value` is a whole number in [min, max]. */
export function requireWhole(argument: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ForecastError(argument, `has to be a whole number from ${min} to ${max}, and is ${value}`)
  }
}

/** @throws ForecastError when an entry is NaN or infinite. */
export function requireFiniteEntries(argument: string, values: ArrayLike<number>): void {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) throw new ForecastError(argument, `entry ${index} is ${values[index]}`)
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
    if (!(level > 0 && level < 1)) throw new ForecastError(`${argument}.levels[${i}]`, `must be between 0 and 1, not ${level}`)
    if (i > 0 && level <= (levels[i - 1] ?? 0)) throw new ForecastError(`${argument}.levels[${i}]`, 'must be above the level before')
    if (i > 0 && (values[i] ?? 0) < (values[i - 1] ?? 0)) throw new ForecastError(`${argument}.values[${i}]`, 'must not be below the one before')
  })
}
