import type { MetricDeviation } from './deviation-watch.ts'

/** One sentence per metric that deviates less likely than once in twenty watches, for people. Times are points of the watch. */
export function describeDeviation(deviations: readonly MetricDeviation[]): readonly string[] {
  return deviations
    .filter((one) => one.probability < 0.05)
    .map(({ metric, direction, typicalErrors, change, probability }) => {
      const what =
        direction === 'unsteady'
          ? `${metric} swings more than predicted`
          : `${metric} is ${Math.abs(typicalErrors).toFixed(1)} typical errors ${direction} than predicted`
      return `${what} since point ${change.at} (between ${change.from} and ${change.to}); so far out in ${(probability * 100).toPrecision(2)} % of watches without a change.`
    })
}
