import { seededRandom } from '@understudy/core'

const draws = 1000
const origins = 3
/** How far the share that an interval holds may be from its level. */
const within = 0.05

/** What one task's intervals held. */
export interface Held {
  readonly id: string
  readonly coverage80: number
  readonly coverage95: number
}

/**
 * The share of draws of three origins per series in which both intervals hold what they say, within five points: of one source, all of whose series are
 * asked at the same times, as they are when the three are the first, the middle and the last.
 */
export function shareWithin(source: readonly Held[]): number {
  const series = [...Map.groupBy(source, ({ id }) => id).values()]
  const random = seededRandom(1)
  let good = 0
  for (let draw = 0; draw < draws; draw++) {
    const times = Array.from({ length: origins }, () => random.next())
    const drawn = series.flatMap((tasks) => times.map((time) => tasks[Math.floor(time * tasks.length)]!))
    const share = (of: 'coverage80' | 'coverage95'): number => drawn.reduce((sum, task) => sum + task[of], 0) / drawn.length
    if (Math.abs(share('coverage80') - 0.8) <= within && Math.abs(share('coverage95') - 0.95) <= within) good++
  }
  return good / draws
}
