import type { Member } from '../members/member.ts'
import type { RecurrentWeights } from './cell.ts'
import { runRecurrent } from './cell.ts'
import { RecurrentWindow } from './window.ts'

/** Weights, and how many of the series' first values training saw. */
export interface TrainedRecurrent {
  readonly weights: RecurrentWeights
  readonly seen: number
}

export const recurrentName = 'recurrent'

/**
 * A member of the combination from weights that were trained beforehand, at several lengths of history. A fit takes the newest of them
 * that saw nothing beyond its own history, so that the backtest stays one. What it adds to the usual value of each hour is the network's.
 */
export function recurrentMember(trained: readonly TrainedRecurrent[], period: number): Member {
  return {
    name: recurrentName,
    mustEarn: true,
    fit(values, { horizon }) {
      const newest = trained.filter(({ seen }) => seen <= values.length).sort((a, b) => b.seen - a.seen)[0]
      if (newest === undefined || newest.weights.outputs < horizon) return undefined
      const { weights } = newest
      const window = new RecurrentWindow(values, period)
      let ahead: Float64Array | undefined
      return {
        predict(into) {
          ahead ??= runRecurrent(weights, window.sequence())
          for (let step = 0; step < into.length; step++) into[step] = window.base(step) + ahead[Math.min(step, ahead.length - 1)]!
        },
        update(value) {
          window.push(value)
          ahead = undefined
        },
      }
    },
  }
}
