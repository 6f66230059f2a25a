import { seededRandom } from '@understudy/core'

const draws = 1000

/**
 * The central 95 % of a statistic when its cases are drawn anew with replacement (percentile bootstrap; Efron, Tibshirani 1993). Cases
 * that tell of one another have to be one: a cluster.
 */
export function intervalByDrawing<T>(cases: readonly T[], statistic: (drawn: readonly T[]) => number): readonly [number, number] {
  const random = seededRandom(1)
  const values = Float64Array.from({ length: draws }, () => statistic(cases.map(() => cases[random.int(0, cases.length - 1)]!))).sort()
  return [values[Math.floor(0.025 * draws)]!, values[Math.ceil(0.975 * draws) - 1]!]
}
