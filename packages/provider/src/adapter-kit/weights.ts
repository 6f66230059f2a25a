import type { Traffic } from '../capabilities/traffic.ts'
import { providerError } from '../provider-error.ts'

/** The whole weight vector of a binding; members not named get 0. */
export type Weights = Parameters<Traffic['setWeights']>[1]

/** Throws `invalid` unless they are whole percents of distinct members that sum to 100, or to 0. */
export function checkWeights(weights: Weights): void {
  const sum = weights.reduce((total, { weight }) => total + weight, 0)
  const areWhole = weights.every(({ weight }) => Number.isInteger(weight) && weight >= 0)
  const areDistinct = new Set(weights.map(({ ref }) => ref.nativeId)).size === weights.length
  if (areWhole && areDistinct && (sum === 0 || sum === 100)) return
  throw providerError(
    'invalid',
    'InvalidWeights',
    'Weights must be whole percents of distinct members that sum to 100, or to 0 to take the entry offline.',
  )
}

/** Shares of weights of any size in whole percents that add up to 100, or to 0 where nobody has a weight: what a rounding takes from one, the next one gets. */
export function percentsOf(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let before = 0
  let given = 0
  return weights.map((weight) => {
    before += weight
    const percent = total === 0 ? 0 : Math.round((before / total) * 100) - given
    given += percent
    return percent
  })
}
