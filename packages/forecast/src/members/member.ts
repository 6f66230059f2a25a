/** What a model may know before it sees data. */
export interface Plan {
  /** Seasonal periods in steps, ascending, each seen at least twice. */
  readonly periods: readonly number[]
  /** Steps ahead that are asked for. */
  readonly horizon: number
}

/**
 * One model. It sees values without gaps in normal units (`series/scale.ts`), and answers `undefined` to a history that it cannot
 * learn from, which takes it out of the combination.
 */
export interface Member {
  readonly name: string
  /** It is in the combination only where the backtest is better with it than without. */
  readonly mustEarn?: boolean
  fit(values: Float64Array, plan: Plan): FittedMember | undefined
}

/** A model at a point in time: it stands after the last value that it was given. */
export interface FittedMember {
  /** Writes point forecasts for 1 … `into.length` steps ahead. */
  predict(into: Float64Array): void
  /** Moves on by one step, in constant time. */
  update(value: number): void
}

/** Values seen so far, growing; models with lags read its end. */
export class History {
  /** Of which the first `length` are known. */
  values: Float64Array
  length: number

  constructor(values: Float64Array) {
    this.values = new Float64Array(values.length + 256)
    this.values.set(values)
    this.length = values.length
  }

  /** The value `lag` steps before the next one: `back(1)` is the last. */
  back(lag: number): number {
    return this.values[this.length - lag]!
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = new Float64Array(this.length * 2)
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.length++] = value
  }
}

/** The steps ahead whose errors choose a smoothing parameter: near, a quarter of a cycle, and a whole one. */
export function choosingSteps(period: number, horizon: number): readonly number[] {
  const steps = [1, Math.round(period / 4), Math.round(period / 2)].map((step) => Math.min(Math.max(step, 1), horizon))
  return [...new Set(steps)]
}

/**
 * Lowest point of a loss on a grid, one parameter at a time, two rounds: a tenth of the cost of the whole grid, and the losses here
 * are smooth enough for it.
 */
export function searchGrid(grid: readonly (readonly number[])[], start: readonly number[], loss: (at: readonly number[]) => number): number[] {
  const best = [...start]
  let lowest = loss(best)
  for (let round = 0; round < 2; round++) {
    for (let parameter = 0; parameter < grid.length; parameter++) {
      for (const value of grid[parameter]!) {
        const tried = best.with(parameter, value)
        const there = value === best[parameter] ? lowest : loss(tried)
        if (there < lowest) {
          lowest = there
          best[parameter] = value
        }
      }
    }
  }
  return best
}
