import type { Member } from './member.ts'
import { History } from './member.ts'

/** More values say little more, and sorting them would take long. */
const most = 288

/**
 * The median of the last of so many parts of a cycle, for every step ahead: where the habits of days before no longer hold, as after a level shift or
 * a burst, it is the first to know, and a spike does not move it.
 */
export function recentMedian(parts: number): Member {
  return {
    name: `recent-median-${parts}`,
    fit(values, { periods }) {
      const width = Math.max(3, Math.min(most, Math.round((periods[0] ?? 24) / parts)))
      if (values.length < width) return undefined
      const history = new History(values)
      const last = new Float64Array(width)
      return {
        predict(into) {
          for (let index = 0; index < width; index++) last[index] = history.back(index + 1)
          last.sort()
          into.fill((last[width >> 1]! + last[(width - 1) >> 1]!) / 2)
        },
        update: (value) => history.push(value),
      }
    },
  }
}
