/*
 * The scoring of the Numenta Anomaly Benchmark, standard profile: Lavin & Ahmad, "Evaluating Real-time Anomaly Detection Algorithms –
 * the Numenta Anomaly Benchmark" (ICMLA 2015, arXiv 1510.03336), section III; positions are counted as its public code counts them.
 */

export interface LabelledSeries {
  readonly values: Float64Array
  /** First and last index of each window in which an anomaly counts as found; in order. */
  readonly windows: readonly (readonly [number, number])[]
}

/** A window found at its first point counts 1, one that is missed −1, a report far from any window this much less. */
const falsePositiveWeight = 0.11

/** The part of a series, at its beginning, that is never scored: 15 % of it, of at most 5,000 points. */
export function probation(length: number): number {
  return Math.floor(Math.min(0.15 * length, 0.15 * 5000))
}

/** σ(y) = 2/(1 + e^{5y}) − 1: y from −1 at a window's left edge to 0 at its right one and above 0 behind it. */
function sigmoid(position: number): number {
  return position >= 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1
}

/** The raw score of reports at these indices, in order. */
export function rawScore({ values, windows }: LabelledSeries, reports: readonly number[]): number {
  const start = probation(values.length)
  const counted = reports.filter((index) => index >= start)
  let score = 0
  for (const [first, last] of windows.filter((window) => window[1] >= start)) {
    const found = counted.find((index) => index >= first && index <= last)
    score += found === undefined ? -1 : sigmoid(-(last - found + 1) / (last - first + 1)) / sigmoid(-1)
  }
  for (const index of counted) {
    if (windows.some(([first, last]) => index >= first && index <= last)) continue
    const before = windows.findLast(([, last]) => last < index)
    score += falsePositiveWeight * sigmoid(before === undefined ? 3 : (index - before[1]) / Math.max(1, before[1] - before[0]))
  }
  return score
}

/** 100 for a detector that finds each window at its first point and reports nothing else, 0 for one that never reports. */
export function normalised(raw: number, series: readonly LabelledSeries[]): number {
  const windows = series.reduce((sum, one) => sum + one.windows.filter(([, last]) => last >= probation(one.values.length)).length, 0)
  return (100 * (raw + windows)) / (2 * windows)
}
