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
