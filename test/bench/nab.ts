import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { anomalyScores, detectors } from './nab-detector.ts'
import { normalised, rawScore } from './nab-score.ts'
import type { LabelledSeries } from './nab-score.ts'

/*
 * `npm run bench -- nab`: anomalies in the files of the Numenta Anomaly Benchmark (MIT), scored with its standard profile. Detector and
 * threshold for each file are the best ones for the files of the other folds: neither is chosen on what is scored.
 */

const folds = 5
const thresholds = Array.from({ length: 30 }, (_, index) => 0.6 * 1.06 ** index)

interface CorpusFile extends LabelledSeries {
  readonly name: string
  readonly pointsPerDay: number
}

export async function benchNab(): Promise<void> {
  const data = process.env['UNDERSTUDY_DATA_DIR']
  if (data === undefined) {
    say('Skipped: the files are not kept here; set UNDERSTUDY_DATA_DIR to the folder that has dev/anomaly/nab.')
    return
  }
  const files = await readCorpus(join(data, 'dev', 'anomaly', 'nab'))
  const choices = detectors.flatMap((detector) => {
    const scores = files.map((file) => anomalyScores(file.values, file.pointsPerDay, detector))
    return thresholds.map((threshold) => ({
      detector,
      threshold,
      raw: files.map((file, index) => rawScore(file, reportsOf(scores[index], threshold))),
    }))
  })
  const bestOn = (isCounted: (file: number) => boolean): (typeof choices)[number] | undefined => {
    const total = ({ raw }: (typeof choices)[number]): number => raw.reduce((sum, one, file) => sum + (isCounted(file) ? one : 0), 0)
    return choices.map((choice) => ({ choice, score: total(choice) })).sort((a, b) => b.score - a.score)[0]?.choice
  }
  // Files are sorted by folder, so each fold has some of every kind.
  const chosen = Array.from({ length: folds }, (_, fold) => bestOn((file) => file % folds !== fold))
  const results = files.map(({ name, windows }, file) => {
    const choice = chosen[file % folds]
    return { name, windows: windows.length, views: choice?.detector.views, threshold: choice?.threshold, raw: choice?.raw[file] ?? 0 }
  })
  say(
    `${files.length} files, ${results.reduce((sum, one) => sum + one.windows, 0)} windows, ${folds} folds, ${choices.length} detectors to choose from\n`,
  )
  for (const { name, windows, views = [], threshold = 0, raw } of results) {
    say(`${name.padEnd(60)} raw score ${raw.toFixed(2).padStart(5)} of ${windows}, threshold ${threshold.toFixed(2)}: ${views.join(', ')}`)
  }
  const score = normalised(sumOf(results.map(({ raw }) => raw)), files)
  const hindsight = normalised(sumOf(bestOn(() => true)?.raw ?? []), files)
  say(`\nStandard profile: ${score.toFixed(1)}, chosen on other files; ${hindsight.toFixed(1)} for the best choice in hindsight.`)
  await mkdir('bench-results', { recursive: true })
  await writeFile('bench-results/nab.json', `${JSON.stringify({ bench: 'nab', score, hindsight, results }, null, 2)}\n`)
  say('Written to bench-results/nab.json')
}

function reportsOf(scores: Float64Array | undefined, threshold: number): readonly number[] {
  return [...(scores ?? []).entries()].flatMap(([index, score]) => (score >= threshold ? [index] : []))
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

async function readCorpus(folder: string): Promise<readonly CorpusFile[]> {
  const labels = JSON.parse(await readFile(join(folder, 'combined_windows.json'), 'utf8')) as Readonly<
    Record<string, readonly (readonly [string, string])[]>
  >
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.csv')).sort()
  return Promise.all(
    names.map(async (name) => {
      const rows = (await readFile(join(folder, name), 'utf8')).trim().split(/\r?\n/).slice(1)
      const times = rows.map((row) => Date.parse(`${row.split(',')[0]?.replace(' ', 'T')}Z`))
      const at = (time: string): number => Date.parse(`${time.replace(' ', 'T')}Z`)
      const windows = (labels[name] ?? []).map(([from, to]): readonly [number, number] => [
        times.findIndex((time) => time >= at(from)),
        times.findLastIndex((time) => time <= at(to)),
      ])
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
      const typical = gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 300_000
      return {
        name,
        values: Float64Array.from(rows, (row) => Number(row.split(',')[1])),
        windows,
        pointsPerDay: Math.max(1, Math.round(86_400_000 / typical)),
      }
    }),
  )
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
