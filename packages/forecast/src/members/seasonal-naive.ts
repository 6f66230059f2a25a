import type { Member } from './member.ts'
import { History } from './member.ts'

/** The yardstick: what was there a cycle ago. `which` counts the periods from the shortest; without periods it is the last value. */
export function seasonalNaive(which: number): Member {
  return {
    name: which === 0 ? 'seasonal-naive' : `seasonal-naive-${which + 1}`,
    fit(values, { periods }) {
      const period = periods[which] ?? (which === 0 ? 1 : undefined)
      if (period === undefined || values.length < period) return undefined
      const history = new History(values)
      return {
        predict(into) {
          for (let step = 0; step < into.length; step++) into[step] = history.back(period - (step % period))
        },
        update: (value) => history.push(value),
      }
    },
  }
}
