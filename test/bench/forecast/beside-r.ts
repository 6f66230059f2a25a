import { seededRandom } from '@understudy/core'
import { maseScale } from '@understudy/forecast'
import { intervalByDrawing } from './by-chance.ts'
import type { Measured, Scores } from './measure.ts'
import { geometricMean, period, score } from './measure.ts'
import { forecastInR, hasR, rMethods } from './r-references.ts'

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

/** Gives `count` tasks, drawn from all by a fixed seed, to R, and says how the engine compares; nothing where R is not installed. */
export async function besideR(measured: readonly Measured[], count: number, say: (line: string) => void): Promise<readonly BesideR[]> {
  if (!(await hasR())) {
    say('R with the package forecast is not installed: its scores are the recorded ones')
    return []
  }
  const random = seededRandom(1)
  const chosen = measured
    .map((one) => ({ one, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .slice(0, count)
    .map(({ one }) => one)
  const rows: BesideR[] = []
  say('\n| engine, of R on the same tasks | tasks | MASE | SQL | by chance | CRPS |\n| --- | --- | --- | --- | --- | --- |')
  for (const method of rMethods) {
    const answers = await forecastInR(
      method,
      chosen.map(({ task }) => task),
    )
    const pairs = chosen.flatMap(({ task, engine }, index) => {
      const at = answers[index]
      return at === undefined ? [] : [{ engine, theirs: score(task, maseScale(task.history, period), at) }]
    })
    const ratioOf = (of: keyof Scores, among: readonly { readonly engine: Scores; readonly theirs: Scores }[] = pairs): number =>
      geometricMean(among.map(({ engine, theirs }) => engine[of] / theirs[of]))
    const row = {
      method,
      tasks: pairs.length,
      maseRatio: ratioOf('mase'),
      sqlRatio: ratioOf('sql'),
      crpsRatio: ratioOf('crps'),
      sqlInterval: intervalByDrawing(pairs, (drawn) => ratioOf('sql', drawn)),
    }
    rows.push(row)
    const [low, high] = row.sqlInterval
    const ratios = [row.maseRatio, row.sqlRatio].map((ratio) => ratio.toFixed(3)).join(' | ')
    say(`| R ${method} | ${row.tasks} | ${ratios} | ${low.toFixed(3)}–${high.toFixed(3)} | ${row.crpsRatio.toFixed(3)} |`)
  }
  return rows
}
