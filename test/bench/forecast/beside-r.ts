import { seededRandom } from '@understudy/core'
import { maseScale } from '@understudy/forecast'
import { intervalByDrawing } from './by-chance.ts'
import type { Task } from './data.ts'
import type { Measured } from './measure.ts'
import { period, score } from './measure.ts'
import type { RScores } from './recorded-r-scores.ts'
import { recordedRScores } from './recorded-r-scores.ts'
import { forecastInR, hasR, rMethods } from './r-references.ts'
import { weighedGeometricMean } from './weighed.ts'

/** What the engine's scores are of R's, on the same tasks in the same run. */
export interface BesideR {
  readonly method: string
  readonly tasks: number
  readonly maseRatio: number
  readonly sqlRatio: number
  readonly crpsRatio: number
  /** 95 % interval of the ratio of SQL, by drawing tasks anew. */
  readonly sqlInterval: readonly [number, number]
}

interface Pair {
  readonly engine: RScores
  readonly theirs: RScores
}

/** How the engine compares with R: by the recorded scores, or where `count` is above 0 on so many tasks, drawn from all by a fixed seed, anew. */
export async function besideR(measured: readonly Measured[], count: number, say: (line: string) => void): Promise<readonly BesideR[]> {
  const isAnew = count > 0 && (await hasR())
  if (count > 0 && !isAnew) say('R with the package forecast is not installed: its scores are the recorded ones')
  const random = seededRandom(1)
  const chosen = measured
    .map((one) => ({ one, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .slice(0, isAnew ? count : measured.length)
    .map(({ one }) => one)
  const rows: BesideR[] = []
  say(
    `\n| engine, of R on the same tasks${isAnew ? '' : ' (recorded)'} | tasks | MASE | SQL | by chance | CRPS |\n| --- | --- | --- | --- | --- | --- |`,
  )
  for (const method of rMethods) {
    const theirs = isAnew ? await scoredAnew(method, chosen) : await recordedRScores(method)
    const pairs = chosen.flatMap(({ task, engine }) => {
      const scores = theirs(task)
      return scores === undefined ? [] : [{ engine, theirs: scores }]
    })
    if (pairs.length === 0) continue
    const row = rowOf(method, pairs)
    rows.push(row)
    const [low, high] = row.sqlInterval
    const ratios = [row.maseRatio, row.sqlRatio].map((ratio) => ratio.toFixed(3)).join(' | ')
    say(`| R ${method} | ${row.tasks} | ${ratios} | ${low.toFixed(3)}–${high.toFixed(3)} | ${row.crpsRatio.toFixed(3)} |`)
  }
  return rows
}

async function scoredAnew(method: (typeof rMethods)[number], chosen: readonly Measured[]): Promise<(task: Task) => RScores | undefined> {
  const tasks = chosen.map(({ task }) => task)
  const answers = await forecastInR(method, tasks)
  return (task) => {
    const at = answers[tasks.indexOf(task)]
    return at && score(task, maseScale(task.history, period), at)
  }
}

function rowOf(method: string, pairs: readonly Pair[]): BesideR {
  const ratioOf = (of: keyof RScores, among: readonly Pair[] = pairs): number =>
    weighedGeometricMean(among.map(({ engine, theirs }) => ({ value: engine[of] / theirs[of], weight: 1 })))
  return {
    method,
    tasks: pairs.length,
    maseRatio: ratioOf('mase'),
    sqlRatio: ratioOf('sql'),
    crpsRatio: ratioOf('crps'),
    sqlInterval: intervalByDrawing(pairs, (drawn) => ratioOf('sql', drawn)),
  }
}
