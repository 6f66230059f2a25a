import type { Random } from '@understudy/core'
import { ForecastError } from '../errors.ts'
import { requireWhole } from '../requirements.ts'

/** A predictive distribution per step ahead, as quantiles on a grid of levels. */
export interface Distribution {
  /** Ascending, in (0, 1). */
  readonly levels: Float64Array
  /** One array per step ahead, one value per level, in the series' unit, never falling along the levels. */
  readonly values: readonly Float64Array[]
}

/** The levels that the engine computes; between them quantiles are interpolated, beyond them the outermost holds. */
export const gridLevels: Float64Array = Float64Array.from([
  ...[0.005, 0.01, 0.025, 0.05, 0.075],
  ...Array.from({ length: 17 }, (_, index) => 0.1 + index * 0.05),
  ...[0.925, 0.95, 0.975, 0.99, 0.995],
])

/**
 * The quantile at `level` (in [0, 1]) for `step` steps ahead, the first being 1, in the series' unit.
 * @throws ForecastError naming `level` or `step`
 */
export function quantile(distribution: Distribution, step: number, level: number): number {
  if (!(level >= 0 && level <= 1)) throw new ForecastError('level', `has to be from 0 to 1, and is ${level}`)
  requireWhole('step', step, 1, distribution.values.length)
  return interpolate(distribution.levels, distribution.values[step - 1]!, level)
}

/** The share of the distribution at or below `value` (its probability integral transform), between the outermost levels. */
export function levelOf(distribution: Distribution, step: number, value: number): number {
  requireWhole('step', step, 1, distribution.values.length)
  const { levels } = distribution
  const values = distribution.values[step - 1]!
  const last = values.length - 1
  if (value < values[0]!) return levels[0]! / 2
  if (value > values[last]!) return (1 + levels[last]!) / 2
  let low = 0
  while (low < last && values[low + 1]! < value) low++
  // Where several levels share a value, such as at the cap, the middle of them.
  let high = low
  while (high < last && values[high + 1]! <= value) high++
  if (values[low]! === value || high > low + 1) return (levels[low]! + levels[high]!) / 2
  const width = values[Math.min(low + 1, last)]! - values[low]!
  return width > 0 ? levels[low]! + ((value - values[low]!) / width) * (levels[Math.min(low + 1, last)]! - levels[low]!) : levels[low]!
}

/** Piecewise linear through ascending `xs`, constant beyond both ends. */
export function interpolate(xs: Float64Array, ys: Float64Array, x: number): number {
  const last = xs.length - 1
  if (x <= xs[0]!) return ys[0]!
  if (x >= xs[last]!) return ys[last]!
  let low = 0
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (xs[middle]! <= x) low = middle
    else high = middle
  }
  const share = (x - xs[low]!) / (xs[high]! - xs[low]!)
  return ys[low]! + share * (ys[high]! - ys[low]!)
}

/**
 * Sample paths with the distribution's margins and the dependence between steps of past errors: the ranks of an error trajectory
 * choose the levels (Schaake shuffle, Clark et al. 2004).
 * @param trajectories past error trajectories, each of as many steps as the distribution has; empty gives independent steps
 * @returns `count` arrays of one value per step, in the series' unit
 */
export function samplePaths(
  distribution: Distribution,
  trajectories: readonly Float64Array[],
  count: number,
  random: Random,
): readonly Float64Array[] {
  requireWhole('count', count, 1, 100_000)
  const ranks = ranksPerStep(trajectories, distribution.values.length)
  return Array.from({ length: count }, () => {
    const chosen = trajectories.length > 0 ? random.int(0, trajectories.length - 1) : 0
    return Float64Array.from(distribution.values, (values, step) => {
      const within = random.next()
      const level = trajectories.length > 0 ? (ranks[step]![chosen]! + within) / trajectories.length : within
      return interpolate(distribution.levels, values, level)
    })
  })
}

/** Per step, the place of each trajectory among the others, from 0. */
function ranksPerStep(trajectories: readonly Float64Array[], steps: number): readonly Uint32Array[] {
  return Array.from({ length: steps }, (_, step) => {
    const order = trajectories.map((_trajectory, index) => index).sort((a, b) => trajectories[a]![step]! - trajectories[b]![step]!)
    const ranks = new Uint32Array(order.length)
    order.forEach((index, rank) => (ranks[index] = rank))
    return ranks
  })
}
