import type { Random } from '@understudy/core'
import { ForecastError } from '../errors.ts'
import { requireFinite, requireFiniteEntries, requireWhole } from '../requirements.ts'

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
  return interpolate(distribution.levels, requireRow(distribution, step), level)
}

/** The share of the distribution at or below `value` (its probability integral transform), between the outermost levels. */
export function levelOf(distribution: Distribution, step: number, value: number): number {
  const values = requireRow(distribution, step)
  requireFinite('value', value)
  const { levels } = distribution
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

/** Of what is known to be a distribution: the level of `value`, and among those that share it the one nearest to the middle. */
export function levelAmong(levels: Float64Array, values: Float64Array, value: number): number {
  const last = values.length - 1
  if (value < values[0]!) return levels[0]! / 2
  if (value > values[last]!) return (1 + levels[last]!) / 2
  let low = 0
  while (low < last && values[low + 1]! <= value) low++
  if (values[low]! < value) return levels[low]! + ((value - values[low]!) / (values[low + 1]! - values[low]!)) * (levels[low + 1]! - levels[low]!)
  let first = low
  while (first > 0 && values[first - 1] === value) first--
  return Math.max(levels[first]!, Math.min(levels[low]!, 0.5))
}

/** @throws ForecastError naming `step`, or `distribution` where the step's values are not those of a distribution */
export function requireRow({ levels, values }: Distribution, step: number): Float64Array {
  requireWhole('step', step, 1, values.length)
  const row = values[step - 1]!
  if (levels.length === 0 || row.length !== levels.length) {
    throw new ForecastError('distribution', `has ${row.length} values at step ${step}, and ${levels.length} levels`)
  }
  for (let index = 0; index < row.length; index++) {
    const isRising = index === 0 || (row[index]! >= row[index - 1]! && levels[index]! > levels[index - 1]!)
    if (!isRising || !Number.isFinite(row[index]) || !(levels[index]! > 0 && levels[index]! < 1)) {
      throw new ForecastError('distribution', `is not finite and rising at step ${step}, entry ${index}`)
    }
  }
  return row
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
 * @param trajectories past error trajectories, each of at least as many steps as the distribution has; empty gives independent steps
 * @returns `count` arrays of one value per step, in the series' unit
 */
export function samplePaths(
  distribution: Distribution,
  trajectories: readonly Float64Array[],
  count: number,
  random: Random,
): readonly Float64Array[] {
  requireWhole('count', count, 1, 100_000)
  distribution.values.forEach((_row, step) => requireRow(distribution, step + 1))
  for (const trajectory of trajectories) {
    if (trajectory.length < distribution.values.length) {
      throw new ForecastError('trajectories', `one has ${trajectory.length} steps where ${distribution.values.length} are needed`)
    }
    requireFiniteEntries('trajectories', trajectory)
  }
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
