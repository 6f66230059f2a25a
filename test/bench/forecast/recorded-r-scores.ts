import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Task } from './data.ts'
import type { Scores } from './measure.ts'

/** What R made of a task, as far as the engine is compared with it. */
export type RScores = Pick<Scores, 'mase' | 'sql' | 'crps'>

/** As `--r` measured them once, with R 4.2.2 and forecast 8.20: method, series, first hour of the history, MASE, SQL, CRPS. */
const file = join(import.meta.dirname, 'r-scores.csv')

/** Scores that R had in an earlier run: they change with the tasks alone, and some take R minutes. */
export async function recordedRScores(method: string): Promise<(task: Task) => RScores | undefined> {
  const rows = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
  const scores = new Map(
    rows
      .filter(([of]) => of === method)
      .map(([, series, start, mase, sql, crps]) => [`${series} ${start}`, { mase: Number(mase), sql: Number(sql), crps: Number(crps) }]),
  )
  return ({ id, start }) => scores.get(`${id} ${start}`)
}
