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
