import type { Backtest } from './backtest.ts'
import { combine, combined } from './weights.ts'

/** Parts that the origins are cut into, in the order of time. */
const parts = 4

/**
 * Errors of the combination at every past origin and step (actual minus forecast, normal units; NaN where nothing is known), each with
 * weights from the other parts of the backtest alone (cross-conformal; Vovk 2015): what chose the weights looks better than it is.
 * @returns rows of `horizon`, one per origin
 */
export function heldOutErrors(backtest: Backtest, values: Float64Array, isGap: readonly boolean[], cycles: number): Float64Array {
  const { horizon, members, origins } = backtest
  const errors = new Float64Array(origins.length * horizon).fill(NaN)
  const at = new Float64Array(members.length)
  for (let part = 0; part < parts; part++) {
    const from = Math.floor((part * origins.length) / parts)
    const to = Math.floor(((part + 1) * origins.length) / parts)
    if (from === to) continue
    const combination = combine(backtest, values, isGap, cycles, { from, to })
    for (let row = from; row < to; row++) {
      for (let step = 0; step < horizon; step++) {
        const target = origins[row]! + step
        if (target >= values.length || isGap[target]) continue
        for (let index = 0; index < at.length; index++) at[index] = members[index]!.forecasts[row * horizon + step]!
        errors[row * horizon + step] = values[target]! - combined(combination, at)
      }
    }
  }
  return errors
}
