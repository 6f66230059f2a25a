import { maseScale } from '@understudy/forecast'
import type { Measured } from './measure.ts'
import { geometricMean, period, score } from './measure.ts'
import { forecastInR, hasR, rMethods } from './r-references.ts'

/** What the engine's scores are of R's, on the same tasks in the same run. */
export interface BesideR {
  readonly method: string
  readonly tasks: number
  readonly maseRatio: number
  readonly sqlRatio: number
}

/** Gives `count` tasks, spread over all, to R, and says how the engine compares; nothing where R is not installed. */
export async function besideR(measured: readonly Measured[], count: number, say: (line: string) => void): Promise<readonly BesideR[]> {
  if (!(await hasR())) {
    say('R with the package forecast is not installed: its scores are the recorded ones')
    return []
  }
  const apart = Math.max(1, Math.floor(measured.length / count))
  const chosen = measured.filter((_, index) => index % apart === 0).slice(0, count)
  const rows: BesideR[] = []
  say('\n| engine, of R on the same tasks | tasks | MASE | SQL |\n| --- | --- | --- | --- |')
  for (const method of rMethods) {
    const answers = await forecastInR(
      method,
      chosen.map(({ task }) => task),
    )
    const pairs = chosen.flatMap(({ task, engine }, index) => {
      const at = answers[index]
      return at === undefined ? [] : [{ engine, theirs: score(task, maseScale(task.history, period), at) }]
    })
    const row = {
      method,
      tasks: pairs.length,
      maseRatio: geometricMean(pairs.map(({ engine, theirs }) => engine.mase / theirs.mase)),
      sqlRatio: geometricMean(pairs.map(({ engine, theirs }) => engine.sql / theirs.sql)),
    }
    rows.push(row)
    say(`| R ${method} | ${row.tasks} | ${row.maseRatio.toFixed(3)} | ${row.sqlRatio.toFixed(3)} |`)
  }
  return rows
}
