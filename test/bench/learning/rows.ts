import { regularSeries } from '@understudy/forecast'
import type { Correct } from '@understudy/forecast/learned'
import { featureNames, FeatureTable, fitCorrected, isLearnable, localDeviation, lookedAt, scaleOf } from '@understudy/forecast/learned'
import { cloudSeries } from '../forecast/data.ts'

/** What forecasts of one source taught: one row per forecast and step ahead. */
export interface Lessons {
  readonly source: string
  readonly rows: number
  /** One per feature, in `parts`. */
  readonly columns: readonly Int32Array[]
  /** What came, as its distance from the local median in local deviations. */
  readonly targets: Float64Array
}

const [known, ahead] = [336, 24]
/** Larger errors teach no more. */
const farthest = 15

/** Origins half a day apart; a day for single machines, of which there are many. */
const apart = (source: string): number => (source === 'azure2017vm' ? 24 : 12)

/** Forecasts every source of the cloud's demand from many origins, without a correction, and keeps what is known of each and what came. */
export async function lessonsOf(directory: string): Promise<readonly Lessons[]> {
  const bySource = Map.groupBy(await cloudSeries(directory), ({ source }) => source)
  return Array.from(bySource, ([source, series]) => {
    const parts = series.flatMap(({ values }) => {
      const room = values.length - known - ahead
      const origins = Array.from({ length: Math.max(0, Math.floor(room / apart(source)) + 1) }, (_, index) => room - index * apart(source))
      return origins.map((start) => lessonOf(values.slice(start, start + known), values.slice(start + known, start + known + ahead)))
    })
    const rows = parts.flatMap((part) => part)
    return {
      source,
      rows: rows.length,
      columns: featureNames.map((_, feature) => Int32Array.from(rows, ({ features }) => features[feature]!)),
      targets: Float64Array.from(rows, ({ target }) => target),
    }
  })
}

interface Row {
  readonly features: Int32Array
  readonly target: number
}

function lessonOf(history: Float64Array, future: Float64Array): readonly Row[] {
  const rows: Row[] = []
  const { centre, unit } = scaleOf(history)
  const correct: Correct = (series, values, plan, members) => {
    if (!isLearnable(series, values, plan, members)) return undefined
    return {
      add: () => undefined,
      correct: (local) => {
        const table = new FeatureTable(ahead)
        table.fill(values.subarray(values.length - lookedAt), local)
        future.forEach((value, step) => {
          const target = ((value - centre) / unit - local.median[step]!) / localDeviation(local, step)
          if (!Number.isFinite(target)) return
          const features = Int32Array.from(featureNames, (_, feature) => table.values[feature * ahead + step]!)
          rows.push({ features, target: Math.max(-farthest, Math.min(farthest, target)) })
        })
        const one = (): Float64Array => new Float64Array(ahead).fill(1)
        return { shift: new Float64Array(ahead), below: one(), above: one() }
      },
    }
  }
  fitCorrected(regularSeries({ values: history }), { horizon: ahead }, correct).predict()
  return rows
}
