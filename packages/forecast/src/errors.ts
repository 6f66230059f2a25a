/** An argument that no forecast can be made of. `argument` is its name as the caller wrote it. */
export class ForecastError extends Error {
  override readonly name = 'ForecastError'
  readonly argument: string

  constructor(argument: string, reason: string) {
    super(`${argument}: ${reason}`)
    this.argument = argument
  }
}

/** @throws ForecastError unless `value` is a whole number in [min, max]. */
export function requireWhole(argument: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ForecastError(argument, `has to be a whole number from ${min} to ${max}, and is ${value}`)
  }
}

/** @throws ForecastError when an entry is NaN or infinite. */
export function requireFinite(argument: string, values: ArrayLike<number>): void {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) throw new ForecastError(argument, `entry ${index} is ${values[index]}`)
  }
}

/** @throws ForecastError when the two differ in length. */
export function requireSameLength(argument: string, values: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (values.length !== expected.length) throw new ForecastError(argument, `has ${values.length} entries where ${expected.length} are needed`)
}
