import { seededRandom } from '@understudy/core'
import { gridLevels } from '../distribution/distribution.ts'
import type { Score, Verdict } from '../evaluation/scorecard.ts'
import type { Forecaster } from '../forecaster.ts'
import { fitForecaster } from '../fit-forecaster.ts'
import { allMembers } from '../members/index.ts'
import { recurrentName } from '../recurrent/recurrent-member.ts'
import type { TrainingResult } from '../recurrent/train.ts'
import { trainRecurrent } from '../recurrent/train.ts'
import { requireWhole } from '../requirements.ts'
import type { SeriesInput } from '../series/series.ts'
import { regularSeries } from '../series/series.ts'

/** One forecast to be made elsewhere: nothing in it is a function, so that it can be sent to a thread. */
export interface ForecastTask {
  readonly series: SeriesInput
  /** Steps ahead, 1 … 2000. */
  readonly horizon: number
  /** As of `fitForecaster`. */
  readonly periods?: readonly number[]
  /** So many of the newest values are not fitted but taken in as outcomes, and the verdict rests on them. 0 by default. */
  readonly outcomes?: number
  /** Sample paths over the whole horizon. */
  readonly paths?: { readonly count: number; readonly seed: number }
  /** Also train a recurrent network, which takes seconds and may earn a place in the combination. `notes` says what came of it. */
  readonly recurrent?: { readonly seed: number }
}

/** What a task came to, in two blocks of numbers that can be moved between threads without a copy. */
export interface TaskAnswer {
  /** [step × levels + level], in the series' unit, levels being those that the engine computes. */
  readonly quantiles: Float64Array<ArrayBuffer>
  /** [path × horizon + step]; empty where none were asked for. */
  readonly paths: Float64Array<ArrayBuffer>
  readonly members: readonly { readonly name: string; readonly weight: number }[]
  readonly assessment: { readonly score: Score } & Verdict
  /** What was left out of what was asked for, or was not used, and why. */
  readonly notes: readonly string[]
}

/** @throws ForecastError naming an argument of the task */
export async function runForecastTask(task: ForecastTask): Promise<TaskAnswer> {
  const { horizon, outcomes = 0, periods } = task
  const input = Float64Array.from(task.series.values)
  requireWhole('outcomes', outcomes, 0, Math.max(0, input.length - 2))
  const known = input.length - outcomes
  const series = regularSeries({ ...task.series, values: input.subarray(0, known) })
  const options = { horizon, ...(periods === undefined ? {} : { periods }) }
  const training = task.recurrent === undefined ? undefined : await trainRecurrent(series, { ...options, seed: task.recurrent.seed })
  const members = training !== undefined && 'member' in training ? [...allMembers, training.member] : allMembers
  const forecaster = fitForecaster(series, { ...options, members })
  forecaster.update(input.subarray(known))
  const quantiles = new Float64Array(horizon * gridLevels.length)
  forecaster.predict().values.forEach((row, step) => quantiles.set(row, step * gridLevels.length))
  const courses = task.paths === undefined ? [] : forecaster.paths(horizon, task.paths.count, seededRandom(task.paths.seed))
  const paths = new Float64Array(courses.length * horizon)
  courses.forEach((course, index) => paths.set(course, index * horizon))
  return { quantiles, paths, members: forecaster.members, assessment: forecaster.assess(), notes: notesOn(training, forecaster) }
}

function notesOn(training: TrainingResult | undefined, { members }: Forecaster): readonly string[] {
  if (training === undefined) return []
  if ('leftOut' in training) return [training.leftOut]
  if (members.some(({ name }) => name === recurrentName)) return []
  return ['the recurrent network is not in the combination: the backtest is no better with it']
}
