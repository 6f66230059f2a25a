/** A value and how much it counts. */
export interface Weighed {
  readonly value: number
  readonly weight: number
}

export function weighedMean(among: readonly Weighed[]): number {
  let [sum, total] = [0, 0]
  for (const { value, weight } of among) {
    sum += weight * value
    total += weight
  }
  return sum / total
}

/** Of ratios; those of 0 and of infinity, which a series that repeats itself gives, are left out. */
export function weighedGeometricMean(among: readonly Weighed[]): number {
  const usable = among.filter(({ value }) => value > 0 && value < Infinity)
  return Math.exp(weighedMean(usable.map(({ value, weight }) => ({ value: Math.log(value), weight }))))
}

/**
 * The weight of each task, such that every series counts alike: some are observed for longer, and so have more origins. With as many origins of each series
 * all tasks count alike.
 */
export function seriesAlike<T extends { readonly task: { readonly id: string } }>(among: readonly T[]): (one: T) => number {
  const counts = new Map<string, number>()
  for (const { task } of among) counts.set(task.id, (counts.get(task.id) ?? 0) + 1)
  return ({ task }) => 1 / (counts.get(task.id) ?? 1)
}
