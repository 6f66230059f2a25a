import type { Backtest } from './backtest.ts'

/** How single forecasts become one. */
export interface Combination {
  /** One per model of the backtest, none negative, sum 1. */
  readonly weights: Float64Array
  readonly rule: 'median' | 'mean'
}

/** From so many cycles of the shortest period on, a regression on the backtest is worth more than the robust median. */
const cyclesForRegression = 28

/**
 * Short history: weighted median with weights (lowest MAE / MAE)^4. Long history: the mean with weights that minimise the squared
 * error on the simplex, halfway to the former (Granger, Ramanathan 1984, with the constraint of Bates, Granger 1969).
 * @param values without gaps, in normal units
 * @param isGap true where the value was filled and must not be scored
 * @param leftOut origins that nothing is learnt from
 */
export function combine(
  backtest: Backtest,
  values: Float64Array,
  isGap: readonly boolean[],
  cycles: number,
  leftOut: Rows = { from: 0, to: 0 },
): Combination {
  const scored: Scored = { backtest, values, isGap, leftOut }
  const losses = backtest.members.map(({ forecasts }) => meanAbsoluteError(scored, forecasts))
  const lowest = Math.min(...losses)
  const robust = normalised(Float64Array.from(losses, (loss) => ((lowest + 1e-9) / (loss + 1e-9)) ** 4))
  if (cycles < cyclesForRegression || backtest.members.length < 2) return { weights: robust, rule: 'median' }
  const squares = simplexLeastSquares(scored, robust)
  return { weights: normalised(squares.map((weight, index) => 0.5 * weight + 0.5 * robust[index]!)), rule: 'mean' }
}

/** Origins by their place in the backtest, `to` not among them. */
interface Rows {
  readonly from: number
  readonly to: number
}

interface Scored {
  readonly backtest: Backtest
  readonly values: Float64Array
  readonly isGap: readonly boolean[]
  readonly leftOut: Rows
}

function normalised(weights: Float64Array): Float64Array {
  let sum = 0
  for (const weight of weights) sum += weight
  return weights.map((weight) => (sum > 0 ? weight / sum : 1 / weights.length))
}

function meanAbsoluteError(scored: Scored, forecasts: Float64Array): number {
  let sum = 0
  let count = 0
  forEachScored(scored, (row, actual) => {
    sum += Math.abs(forecasts[row]! - actual)
    count++
  })
  return count > 0 ? sum / count : 1
}

function forEachScored({ backtest, values, isGap, leftOut }: Scored, use: (row: number, actual: number) => void): void {
  const { origins, horizon } = backtest
  for (let origin = 0; origin < origins.length; origin++) {
    if (origin >= leftOut.from && origin < leftOut.to) continue
    for (let step = 0; step < horizon; step++) {
      const target = origins[origin]! + step
      if (target < values.length && !isGap[target]) use(origin * horizon + step, values[target]!)
    }
  }
}

/** Exponentiated gradient on the simplex (Kivinen, Warmuth 1997): errors' Gram matrix once, then cheap steps. */
function simplexLeastSquares(scored: Scored, start: Float64Array): Float64Array {
  const { members } = scored.backtest
  const size = members.length
  const gram = new Float64Array(size * size)
  const errors = new Float64Array(size)
  forEachScored(scored, (row, actual) => {
    for (let i = 0; i < size; i++) {
      errors[i] = members[i]!.forecasts[row]! - actual
      for (let j = 0; j <= i; j++) gram[i * size + j] = gram[i * size + j]! + errors[i]! * errors[j]!
    }
  })
  let largest = 1e-12
  for (let i = 0; i < size; i++) {
    largest = Math.max(largest, gram[i * size + i]!)
    for (let j = 0; j < i; j++) gram[j * size + i] = gram[i * size + j]!
  }
  let weights: Float64Array = Float64Array.from(start)
  for (let step = 0; step < 300; step++) {
    const current = weights
    weights = normalised(
      current.map((weight, i) => {
        let gradient = 0
        for (let j = 0; j < size; j++) gradient += gram[i * size + j]! * current[j]!
        return weight * Math.exp((-2 * gradient) / largest)
      }),
    )
  }
  return weights
}

/** One forecast from those of all models; `forecasts` and `weights` have one entry per model. */
export function combined({ weights, rule }: Combination, forecasts: Float64Array): number {
  if (rule === 'mean') {
    let sum = 0
    for (let index = 0; index < weights.length; index++) sum += weights[index]! * forecasts[index]!
    return sum
  }
  return weightedMedian(forecasts, weights)
}

/**
 * The order of the last values: forecasts of one step are nearly in the order of the step before, and medians are taken thousands of
 * times for one fit.
 */
let order = new Uint16Array(0)

/** Sorted by insertion, since there are few, equal ones as they are given; between two values the middle where the weight meets a half exactly in between. */
function weightedMedian(values: Float64Array, weights: Float64Array): number {
  if (order.length !== values.length) order = Uint16Array.from(values, (_, index) => index)
  for (let index = 1; index < order.length; index++) {
    const one = order[index]!
    const value = values[one]!
    let place = index
    while (place > 0 && isAfter(values[order[place - 1]!]!, order[place - 1]!, value, one)) {
      order[place] = order[place - 1]!
      place--
    }
    order[place] = one
  }
  let passed = 0
  let before = values[order[0]!]!
  let middleBefore = 0
  for (let place = 0; place < values.length; place++) {
    const value = values[order[place]!]!
    const weight = weights[order[place]!]!
    const middle = passed + weight / 2
    if (middle >= 0.5) {
      if (passed === 0) return value
      const share = (0.5 - middleBefore) / (middle - middleBefore)
      return before + share * (value - before)
    }
    passed += weight
    before = value
    middleBefore = middle
  }
  return before
}

function isAfter(value: number, index: number, other: number, otherIndex: number): boolean {
  return value > other || (value === other && index > otherIndex)
}
