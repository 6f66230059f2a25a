import { ForecastError } from '../errors.ts'
import { requireFinite, requireProbability, requireQuantiles } from '../requirements.ts'

/** A predictive distribution of demand in units; both arrays of the same length n ≥ 1. */
export interface DemandQuantiles {
  /** Strictly rising, each in (0, 1). */
  readonly levels: Float64Array
  /** The quantile at each level: not falling, not below 0. */
  readonly values: Float64Array
}

export function requireDemand(demand: DemandQuantiles): void {
  if (demand.levels.length === 0) throw new ForecastError('demand.levels', 'must not be empty')
  requireQuantiles('demand', demand)
  const [lowest = 0] = demand.values
  if (lowest < 0) throw new ForecastError('demand.values[0]', `must not be below 0, and is ${lowest}`)
}

/**
 * Demand that is exceeded with probability 1 − level. Linear between the given levels; outside of them the tails are taken as
 * exponential with the slope of the outermost two (Quiñonero-Candela et al. 2006), and never below 0.
 * @throws ForecastError naming `demand` or `level`
 */
export function demandAt(demand: DemandQuantiles, level: number): number {
  requireDemand(demand)
  requireProbability('level', level)
  const { levels, values } = demand
  const last = levels.length - 1
  const [p = 0.5, v = 0] = [levels[last], values[last]]
  if (level >= p) return v + tail(demand, last, last - 1, Math.log((1 - p) / Math.max(1 - level, 1e-9)), (q) => Math.log((1 - q) / (1 - p)))
  const [first = 0.5, lowest = 0] = [levels[0], values[0]]
  if (level <= first) return Math.max(0, lowest - tail(demand, 0, 1, Math.log(first / Math.max(level, 1e-9)), (q) => Math.log(q / first)))
  const above = levels.findIndex((one) => one >= level)
  const [lowLevel = 0, highLevel = 1] = [levels[above - 1], levels[above]]
  const [lowValue = 0, highValue = 0] = [values[above - 1], values[above]]
  return lowValue + ((level - lowLevel) / (highLevel - lowLevel)) * (highValue - lowValue)
}

/**
 * P(demand exceeds `actual`) by the distribution, the inverse of `demandAt`; of a value that several levels share, the middle of them.
 * @throws ForecastError naming `demand` or `actual`
 */
export function exceedanceOf(demand: DemandQuantiles, actual: number): number {
  requireDemand(demand)
  requireFinite('actual', actual)
  const { levels, values } = demand
  const last = levels.length - 1
  const [highest = 0, p = 0.5, lowest = 0, first = 0.5] = [values[last], levels[last], values[0], levels[0]]
  if (actual > highest) {
    const slope = tail(demand, last, last - 1, 1, (q) => Math.log((1 - q) / (1 - p)))
    return slope > 0 ? (1 - p) * Math.exp((highest - actual) / slope) : 0
  }
  if (actual < lowest) {
    const slope = tail(demand, 0, 1, 1, (q) => Math.log(q / first))
    return slope > 0 ? 1 - first * Math.exp((actual - lowest) / slope) : 1
  }
  const from = values.findLastIndex((value) => value <= actual)
  const to = values.findIndex((value) => value >= actual)
  const [low = lowest, high = lowest, below = first, above = first] = [values[from], values[to], levels[from], levels[to]]
  // `to` is the first of the levels that share the value, and `from` the last.
  return 1 - (high > low ? below + ((actual - low) / (high - low)) * (above - below) : (below + above) / 2)
}

function tail({ levels, values }: DemandQuantiles, outer: number, inner: number, distance: number, scaleOf: (level: number) => number): number {
  const level = levels[inner]
  if (level === undefined) return 0
  return (Math.abs((values[outer] ?? 0) - (values[inner] ?? 0)) * distance) / scaleOf(level)
}
