/** Ways to look at a series; each is 0 where nothing is unusual, and sees only what came before. */
type View = (values: Float64Array, pointsPerDay: number) => Float64Array
export interface Detector {
  readonly views: readonly string[]
  /** After a report only what is further out than it counts, for this share of the series. */
  readonly quiet: number
}

const shortest = 30
/** What the usual size of a residual forgets with each point. */
const forgetting = 1 / 2000

const views: Readonly<Record<string, View>> = {
  level: (values) => {
    const sums = cumulative(values)
    return values.map((value, index) => (index < shortest ? 0 : value - (sums[index] ?? 0) / index))
  },
  point: (values) => besideBefore(values, 144, 1),
  hour: (values) => besideBefore(values, 144, 12),
  'as on days before': (values, day) => besideDays(values, day, 12),
  roughness: (values) =>
    besideBefore(
      values.map((value, index) => Math.abs(value - (values[index - 1] ?? value))),
      288,
      36,
    ),
}

const sets: readonly (readonly string[])[] = [
  ['level', 'hour', 'as on days before'],
  ['level', 'as on days before', 'roughness'],
  ['level', 'hour', 'as on days before', 'roughness'],
  ['level', 'point'],
  ['point', 'as on days before'],
  ['point', 'as on days before', 'roughness'],
  ['hour', 'as on days before'],
  ['as on days before'],
  ['level'],
  ['point'],
]
/** What the bench chooses from, always on other files than those it scores. */
export const detectors: readonly Detector[] = sets.flatMap((set) => [1 / 40, 1 / 20, 1 / 10].map((quiet) => ({ views: set, quiet })))

/** How anomalous each point is: in the largest residuals of the past, that of the view in which it is furthest out. */
export function anomalyScores(values: Float64Array, pointsPerDay: number, detector: Detector): Float64Array {
  const scores = new Float64Array(values.length)
  for (const name of detector.views) {
    const residual = views[name]?.(values, pointsPerDay) ?? new Float64Array()
    besideLargest(residual).forEach((value, index) => (scores[index] = Math.max(scores[index] ?? 0, value)))
  }
  return onlyRecords(scores, Math.max(24, Math.round(values.length * detector.quiet)))
}

/** Mean of the last `width` points less that of the `reach` points before them. */
function besideBefore(values: Float64Array, reach: number, width: number): Float64Array {
  const sums = cumulative(values)
  const mean = (from: number, to: number): number => ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from)
  return values.map((_, index) => {
    const begin = index + 1 - width
    return begin < shortest ? 0 : mean(begin, index + 1) - mean(Math.max(0, begin - reach), begin)
  })
}

/** Mean of the last `width` points less the nearest one of up to seven days before at about the same time. */
function besideDays(values: Float64Array, day: number, width: number): Float64Array {
  const sums = cumulative(values)
  const meanTo = (end: number): number => ((sums[end] ?? 0) - (sums[end - width] ?? 0)) / width
  return values.map((_, index) => {
    let nearest = Infinity
    for (let back = 1; back <= 7; back++) {
      for (const offset of [-width, 0, width]) {
        const end = index + 1 - back * day + offset
        if (end < width || end > index) continue
        const residual = meanTo(index + 1) - meanTo(end)
        if (Math.abs(residual) < Math.abs(nearest)) nearest = residual
      }
    }
    return Number.isFinite(nearest) ? nearest : 0
  })
}

/** Each residual in the largest before it, which is slowly forgotten, or in three usual ones where those are more. */
function besideLargest(residual: Float64Array): Float64Array {
  let [usual, largest, seen] = [0, 0, 0]
  return residual.map((value) => {
    const size = Math.abs(value)
    if (size === 0 && seen === 0) return 0
    seen += 1
    const score = seen < shortest || largest === 0 ? 0 : size / Math.max(largest, 3 * usual)
    usual += Math.max(forgetting, 1 / seen) * (Math.min(size, usual === 0 ? size : 5 * usual) - usual)
    largest = Math.max(size, largest * (1 - forgetting / 2))
    return score
  })
}

/** Leaves only points that are further out than all of the `quiet` points before: what follows a report is the same anomaly. */
function onlyRecords(scores: Float64Array, quiet: number): Float64Array {
  const falling: number[] = []
  let head = 0
  return scores.map((score, index) => {
    while (head < falling.length && (falling[head] ?? 0) < index - quiet) head += 1
    const isRecord = head >= falling.length || score > (scores[falling[head] ?? 0] ?? 0)
    while (falling.length > head && (scores[falling.at(-1) ?? 0] ?? 0) <= score) falling.pop()
    falling.push(index)
    return isRecord ? score : 0
  })
}

function cumulative(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1)
  values.forEach((value, index) => (sums[index + 1] = (sums[index] ?? 0) + value))
  return sums
}
