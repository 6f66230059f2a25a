import { ForecastError } from '../errors.ts'
import { requireFiniteEntries, requireSameLength } from '../requirements.ts'

/** What becomes of several points in one step: a level is averaged, a count added up, a state is its last, a peak its highest. */
export type ResamplingRule = 'mean' | 'sum' | 'last' | 'max'

/** So many steps are more than any forecast reads: a wrong unit of time is likelier than the wish for them. */
const stepsMax = 1_000_000

/**
 * Puts irregular points on a grid that starts at the first point's step. A step without a point is a gap (NaN), except that a sum
 * over nothing is a gap too: no report is not the same as a report of nothing.
 * @param timesMs milliseconds since the epoch, strictly increasing
 * @returns values for `regularSeries`, one per step, and the start of the grid in milliseconds
 * @throws ForecastError naming `times` when they are empty, unsorted or repeated, `values` when one is not finite
 */
export function resample(
  times: ArrayLike<number>,
  values: ArrayLike<number>,
  options: { readonly stepMs: number; readonly rule: ResamplingRule },
): { readonly values: Float64Array; readonly startMs: number; readonly stepMs: number } {
  const { stepMs, rule } = options
  if (!Number.isFinite(stepMs) || stepMs <= 0) throw new ForecastError('stepMs', `has to be positive, and is ${stepMs}`)
  if (times.length === 0) throw new ForecastError('times', 'are empty')
  requireFiniteEntries('times', times)
  requireSameLength('values', values, times)
  requireFiniteEntries('values', values)
  for (let index = 1; index < times.length; index++) {
    if (times[index]! <= times[index - 1]!) throw new ForecastError('times', `entry ${index} is not after the one before it`)
  }
  const first = Math.floor(times[0]! / stepMs)
  const steps = Math.floor(times[times.length - 1]! / stepMs) - first + 1
  if (steps > stepsMax) throw new ForecastError('stepMs', `makes ${steps} steps of the times, and ${stepsMax} are the most`)
  const result = new Float64Array(steps).fill(NaN)
  const counts = new Uint32Array(steps)
  for (let index = 0; index < times.length; index++) {
    const step = Math.floor(times[index]! / stepMs) - first
    const count = counts[step]!
    result[step] = count === 0 ? values[index]! : merge(rule, result[step]!, values[index]!, count)
    counts[step] = count + 1
  }
  return { values: result, startMs: first * stepMs, stepMs }
}

function merge(rule: ResamplingRule, soFar: number, value: number, count: number): number {
  switch (rule) {
    case 'mean':
      return soFar + (value - soFar) / (count + 1)
    case 'sum':
      return soFar + value
    case 'last':
      return value
    case 'max':
      return Math.max(soFar, value)
  }
}
