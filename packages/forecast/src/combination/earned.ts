import type { Backtest } from './backtest.ts'
import { combine, combined } from './weights.ts'

/** So much lower the combination's error has to be with a model that must earn its place: less is as likely chance. */
const leastGain = 0.01

/**
 * The backtest without the models that must earn their place and did not: weights are taken from its first half, and the second half
 * says whether the combination is better with the model than without.
 * @param values without gaps, in normal units
 */
export function onlyEarned(backtest: Backtest, values: Float64Array, isGap: readonly boolean[], cycles: number): Backtest {
  const candidates = backtest.members.filter(({ member }) => member.mustEarn === true)
  if (candidates.length === 0) return backtest
  let members = backtest.members.filter(({ member }) => member.mustEarn !== true)
  let error = laterError({ ...backtest, members }, values, isGap, cycles)
  for (const candidate of candidates) {
    const tried = [...members, candidate]
    const there = laterError({ ...backtest, members: tried }, values, isGap, cycles)
    if (!(there < (1 - leastGain) * error)) continue
    members = tried
    error = there
  }
  return { ...backtest, members }
}

function laterError(backtest: Backtest, values: Float64Array, isGap: readonly boolean[], cycles: number): number {
  const { horizon, origins } = backtest
  const half = origins.length >> 1
  const part = (from: number, to: number): Backtest => ({
    origins: origins.subarray(from, to),
    horizon,
    members: backtest.members.map(({ member, forecasts }) => ({ member, forecasts: forecasts.subarray(from * horizon, to * horizon) })),
  })
  const later = part(half, origins.length)
  const combination = combine(part(0, half), values, isGap, cycles)
  const at = new Float64Array(later.members.length)
  let sum = 0
  for (let row = 0; row < later.origins.length; row++) {
    for (let step = 0; step < horizon; step++) {
      const target = later.origins[row]! + step
      if (target >= values.length || isGap[target]) continue
      later.members.forEach(({ forecasts }, index) => (at[index] = forecasts[row * horizon + step]!))
      sum += Math.abs(values[target]! - combined(combination, at))
    }
  }
  return sum
}
