/** An argument that no answer can be computed from. `argument` is its name as the caller wrote it. */
export class InvalidArgument extends RangeError {
  readonly argument: string

  constructor(argument: string, problem: string) {
    super(`${argument}: ${problem}`)
    this.name = 'InvalidArgument'
    this.argument = argument
  }
}

export function requireFinite(argument: string, value: number): number {
  if (!Number.isFinite(value)) throw new InvalidArgument(argument, `must be a finite number, not ${value}`)
  return value
}

export function requirePositive(argument: string, value: number): number {
  if (requireFinite(argument, value) <= 0) throw new InvalidArgument(argument, `must be above 0, not ${value}`)
  return value
}

export function requireNotNegative(argument: string, value: number): number {
  if (requireFinite(argument, value) < 0) throw new InvalidArgument(argument, `must not be below 0, not ${value}`)
  return value
}

export function requireProbability(argument: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new InvalidArgument(argument, `must be a probability from 0 to 1, not ${value}`)
  return value
}

export function requireAllFinite(argument: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (value === undefined || !Number.isFinite(value)) throw new InvalidArgument(`${argument}[${i}]`, `must be a finite number, not ${value}`)
  }
}
