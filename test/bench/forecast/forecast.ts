import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Task } from './data.ts'
import { cloudTasks, m4Tasks } from './data.ts'
import type { Measured, Scores } from './measure.ts'
import { writeCharts } from './charts/write-charts.ts'
import { dataDirectory } from '../data-directory.ts'
import { percentile } from '../figures.ts'
import { learntFromOthers } from '../learning/unseen.ts'
import { besideR } from './beside-r.ts'
import { intervalByDrawing } from './by-chance.ts'
import { mean, measure } from './measure.ts'
import { shareWithin } from './three-of-many.ts'
import { seriesAlike, weighedGeometricMean, weighedMean } from './weighed.ts'

/*
 * `npm run bench -- forecast`: accuracy, calibration and speed on real series, beside seasonal naive and recorded references. The data
 * are outside the project: UNDERSTUDY_DATA_DIR names the folder that has `dev/forecasting` in it. Without it, the extracts that are here.
 */

/** Recorded on the same kind of tasks with R 4.2.2 and forecast 8.20; their origins may differ from ours. For tbats and auto.arima see `r-scores.csv`. */
const references = {
  cloud: [
    { method: 'R ets (recorded)', relMase: 0.998, relSql: 0.848 },
    { method: 'R mstl+arima (recorded)', relMase: 0.937, relSql: 0.774 },
  ],
  m4: [{ method: 'Doornik et al., best of M4 hourly (published, all 414)', mase: 0.801, smape: 8.913, msis: 6.139 }],
}

const { values: options } = parseArgs({
  allowPositionals: true,
  options: {
    /** Every n-th task only. */
    every: { type: 'string', default: '1' },
    /** So many tasks are given to R anew, which takes seconds to minutes for each, where R and its package `forecast` are installed. */
    r: { type: 'string', default: '0' },
    /**
     * With what the engine ships with, which was learnt from most of these series. Else the correction of each source's forecasts is learnt from the other
     * sources first: figures as of series that nothing was learnt from.
     */
    shipped: { type: 'boolean', default: false },
    /** Only these sets: cloud (three origins per series), many (many per series, which tells calibration by source from luck), m4. */
    only: { type: 'string', multiple: true },
  },
})
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const { path: directory, isShort } = dataDirectory()

const startedAt = new Date()
const correctOf = options.shipped || isShort ? undefined : await learntFromOthers(directory)
const wanted = options.only ?? (isShort ? ['cloud', 'many'] : ['cloud', 'many', 'm4'])
const results = {
  ...(wanted.includes('cloud') ? { cloud: run(await cloudTasks(directory)) } : {}),
  ...(wanted.includes('many') ? { many: run(await cloudTasks(directory, 'dense')) } : {}),
  ...(wanted.includes('m4') ? { m4: run(await m4Tasks(directory)) } : {}),
}
if (results.cloud) sayCloud(results.cloud)
const inR = results.cloud ? await besideR(results.cloud, Number(options.r), say) : []
if (results.many) {
  sayCloud(results.many, 'many origins per series')
  sayThreeOfMany(results.many)
}
if (results.m4) sayM4(results.m4)
const name = `forecast-${startedAt.toISOString().replaceAll(':', '-')}`
await mkdir('bench-results', { recursive: true })
await write()
for (const [set, measured] of Object.entries(results))
  for (const file of await writeCharts(join('bench-results', `${name}-${set}`), set, measured)) say(`Written to ${file}`)

function run(tasks: readonly Task[]): readonly Measured[] {
  const chosen = tasks.filter((_, index) => index % Number(options.every) === 0)
  // The first fits are slow until the machine code is compiled, and no installation lives that short.
  const measured = (task: Task): Measured => measure(task, correctOf?.(task.source))
  for (const task of chosen.slice(0, 3)) measured(task)
  return chosen.map(measured)
}

function sayCloud(measured: readonly Measured[], origins = 'three origins per series'): void {
  const relative = relativeOf(measured)
  const row = (method: string, side: 'engine' | 'naive', relMase: number, relSql: number): void =>
    say(`| ${method} | ${relMase.toFixed(3)} | ${relSql.toFixed(3)} | ${commonCells(measured, side)} |`)
  say(`\nCloud demand, 336 h in, 24 h out, ${origins}: ${measured.length} tasks of ${new Set(measured.map(({ task }) => task.id)).size} series\n`)
  say(
    correctOf === undefined
      ? 'The engine has learnt from these series, except for Alibaba’s: these figures flatter it.\n'
      : 'What corrects the forecasts of each source was learnt from the other sources alone. Each series counts alike, however many its origins.\n',
  )
  say('| method | relative MASE | relative SQL | MASE | MSIS | CRPS | in 80 % | in 95 % |')
  say('| --- | --- | --- | --- | --- | --- | --- | --- |')
  row('engine', 'engine', relative('mase'), relative('sql'))
  row('seasonal naive', 'naive', 1, 1)
  for (const { method, relMase, relSql } of isShort || origins !== 'three origins per series' ? [] : references.cloud)
    say(`| ${method} | ${relMase.toFixed(3)} | ${relSql.toFixed(3)} | | | | | |`)
  sayTimes(measured)
  say(
    '\n| source | series | tasks | relative MASE | relative SQL | in 80 % | by chance | in 95 % | by chance |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  )
  for (const [source, group] of [['all', measured] as const, ...Map.groupBy(measured, ({ task }) => task.source)]) {
    const ratioOf = relativeOf(group)
    const count = new Set(group.map(({ task }) => task.id)).size
    say(
      `| ${source} | ${count} | ${group.length} | ${ratioOf('mase').toFixed(3)} | ${ratioOf('sql').toFixed(3)} | ${coverageCells(group, 'coverage80')} | ${coverageCells(group, 'coverage95')} |`,
    )
  }
}

/** The geometric mean of a score over seasonal naive's. */
function relativeOf(measured: readonly Measured[]): (of: keyof Scores) => number {
  const weight = seriesAlike(measured)
  return (of) => weighedGeometricMean(measured.map((one) => ({ value: one.engine[of] / one.naive[of], weight: weight(one) })))
}

/** The share that was held, and where it might as well lie had the hours of this source been others. */
function coverageCells(group: readonly Measured[], of: 'coverage80' | 'coverage95'): string {
  const weight = seriesAlike(group)
  const clusters = [...Map.groupBy(group, ({ task }) => task.cluster).values()].map((cluster) =>
    cluster.map((one) => ({ value: one.engine[of], weight: weight(one) })),
  )
  const [low, high] = intervalByDrawing(clusters, (drawn) => weighedMean(drawn.flat()))
  return `${weighedMean(clusters.flat()).toFixed(3)} | ${low.toFixed(3)}–${high.toFixed(3)}`
}

/** What three origins per series can tell of how often a source is held. */
function sayThreeOfMany(measured: readonly Measured[]): void {
  say('\nThree of these origins per series, drawn anew: how often both intervals held what they say within five points')
  const sources = Map.groupBy(measured, ({ task }) => task.source)
  const shares = Array.from(
    sources,
    ([source, group]) => [source, shareWithin(group.map(({ task, engine }) => ({ id: task.id, ...engine })))] as const,
  )
  const all = shares.reduce((product, [, share]) => product * share, 1)
  say([...shares, ['all of them', all] as const].map(([source, share]) => `${source} ${(100 * share).toFixed(1)} %`).join(', '))
}

function sayM4(measured: readonly Measured[]): void {
  const cells = (side: 'engine' | 'naive'): string => `${mean(measured.map((one) => one[side].smape)).toFixed(2)} | ${commonCells(measured, side)}`
  say(`\nM4 hourly, official test, 48 h out: ${measured.length} series\n`)
  say('| method | sMAPE | MASE | MSIS | CRPS | in 80 % | in 95 % |')
  say('| --- | --- | --- | --- | --- | --- | --- |')
  say(`| engine | ${cells('engine')} |`)
  say(`| seasonal naive | ${cells('naive')} |`)
  for (const { method, mase, smape, msis } of references.m4) say(`| ${method} | ${smape} | ${mase} | ${msis} | | | |`)
  sayTimes(measured)
}

function commonCells(measured: readonly Measured[], side: 'engine' | 'naive'): string {
  const weight = seriesAlike(measured)
  const average = (of: keyof Scores): number =>
    weighedMean(measured.map((one) => ({ value: one[side][of], weight: weight(one) })).filter(({ value }) => Number.isFinite(value)))
  return `${average('mase').toFixed(3)} | ${average('msis').toFixed(2)} | ${average('crps').toFixed(3)} | ${average('coverage80').toFixed(3)} | ${average('coverage95').toFixed(3)}`
}

function sayTimes(measured: readonly Measured[]): void {
  const p50and95 = (of: (one: Measured) => number, digits: number): string =>
    `p50 ${percentile(measured.map(of), 50).toFixed(digits)} ms, p95 ${percentile(measured.map(of), 95).toFixed(digits)} ms`
  const [computed, passed] = [p50and95(({ fit }) => fit.computed, 1), p50and95(({ fit }) => fit.passed, 1)]
  say(`\nFit and all quantiles, one core: ${computed} computed (by the clock ${passed})`)
  say(`Update by one point, by the clock: ${p50and95((one) => one.updateMilliseconds, 3)}`)
}

async function write(): Promise<void> {
  const file = join('bench-results', `${name}.json`)
  const rows = (measured: readonly Measured[]): unknown =>
    measured.map(({ task: { id, source }, distribution: _distribution, places: _places, ...scores }) => ({ id, source, ...scores }))
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model, node: process.version }
  const sets = Object.fromEntries(Object.entries(results).map(([name, measured]) => [name, rows(measured)]))
  await writeFile(file, `${JSON.stringify({ bench: 'forecast', isShort, startedAt, machine, options, references, inR, sets }, undefined, 2)}\n`)
  say(`\nWritten to ${file}`)
}
