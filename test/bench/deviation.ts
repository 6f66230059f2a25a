import { seededRandom } from '@understudy/core'
import type { Random } from '@understudy/core'
import { calibrateDeviation, DeviationWatch } from '@understudy/forecast/deviation'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dataDirectory } from './data-directory.ts'
import { forecastWindows, originStep } from './deviation-forecast.ts'

/*
 * `npm run bench -- deviation`: changes are put into real 5-minute CPU of virtual machines after 14 days of history, and watched
 * for six hours. Sizes are in the machine's mean error of "as a day ago". Data: Azure public dataset 2017 (CC BY 4.0), found
 * through UNDERSTUDY_DATA_DIR, or the extract of six machines that is here.
 */

const points = 72
const history = 14 * 288
const changesPerMachine = 12

type Inject = (value: number, unit: number, point: number, random: Random) => number
const changes: Readonly<Record<string, Inject>> = {
  control: (value) => value,
  '+1': (value, unit) => value + unit,
  '+2': (value, unit) => value + 2 * unit,
  '+4': (value, unit) => value + 4 * unit,
  '-2': (value, unit) => value - 2 * unit,
  ramp: (value, unit, point) => value + (4 * unit * (point + 1)) / points,
  zero: () => 0,
  noise: (value, unit, _point, random) => value + (random.next() < 0.5 ? -4 : 4) * unit,
}

interface Watched {
  readonly machine: number
  readonly change: string
  /** Evidence over the threshold after each point; it never falls. */
  readonly evidence: readonly number[]
  /** Where the change was put by the explanation, as points after it began. */
  readonly since: number
  readonly isCovered: boolean
}

export async function benchDeviation(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { nominal: { type: 'string', default: '0.03' }, seeds: { type: 'string', default: '3' } },
  })
  const { path: directory } = dataDirectory()
  const file = join(directory, 'dev', 'anomaly', 'azure2017_vm_avgcpu_5min.csv')
  const machines = await readMachines(file)
  const nominal = Number(values.nominal)
  const draws = Array.from({ length: Number(values.seeds) }, (_, index) => seededRandom(index + 1))
  const started = performance.now()
  const watched = draws.flatMap((random) => machines.flatMap((series, machine) => watchMachine({ series, machine, nominal, random })))
  const windows = draws.length * machines.length * changesPerMachine
  say(
    `${machines.length} machines × ${changesPerMachine} changes × ${draws.length} draws, ${history / 288} days of history, watched for 6 h; ${((performance.now() - started) / windows).toFixed(0)} ms per window of ${Object.keys(changes).length} changes.`,
  )
  say('detected % / median delay in minutes\n')
  const equal = thresholdFor(watched, 0.02)
  say(
    `${''.padEnd(44)}${Object.keys(changes)
      .map((name) => name.padStart(10))
      .join('')}`,
  )
  const rows = [
    { name: 'threshold set after the fact to 2 % false alarms', threshold: equal, among: watched },
    { name: `self-calibrated, nominal ${nominal * 100} %`, threshold: 1, among: watched },
    { name: '  machines of even place', threshold: 1, among: watched.filter((one) => one.machine % 2 === 0) },
    { name: '  machines of odd place', threshold: 1, among: watched.filter((one) => one.machine % 2 === 1) },
  ].map((row) => ({
    name: row.name,
    threshold: row.threshold,
    cells: Object.keys(changes).map((change) => cellOf(row.among, change, row.threshold)),
  }))
  for (const { name, cells } of rows)
    say(`${name.padEnd(44)}${cells.map((cell) => `${cell.detected.toFixed(1)}/${cell.delay ?? '-'}`.padStart(10)).join('')}`)
  const shifts = watched.filter((one) => one.change === '+4' && (one.evidence.at(-1) ?? 0) >= 1)
  const begin = {
    medianOffset: median(shifts.map((one) => Math.abs(one.since))),
    covered: shifts.filter((one) => one.isCovered).length / shifts.length,
  }
  say(
    `\nBeginning of a +4 shift: median error ${(begin.medianOffset * 5).toFixed(0)} min; its 95 % interval holds the truth in ${(begin.covered * 100).toFixed(0)} %.`,
  )
  await mkdir('bench-results', { recursive: true })
  await writeFile('bench-results/deviation.json', `${JSON.stringify({ bench: 'deviation', nominal, rows, begin }, null, 2)}\n`)
  say('Written to bench-results/deviation.json')
}

function watchMachine({
  series,
  machine,
  nominal,
  random,
}: {
  series: Float64Array
  machine: number
  nominal: number
  random: Random
}): readonly Watched[] {
  const watched: Watched[] = []
  for (let i = 0; i < changesPerMachine; i++) {
    const at = random.int(history, series.length - points)
    const past = series.subarray(at - history, at)
    const { errors, predicted } = forecastWindows(past, points)
    // As many false alarms a month as make the nominal share of windows.
    const falseAlarmsPerMonth = -Math.log(1 - nominal) * ((30 * 288) / points)
    const calibration = calibrateDeviation({ cpu: errors }, { points, secondsPerPoint: 300, pointsBetweenPast: originStep, falseAlarmsPerMonth })
    let unit = 0
    for (let t = 288; t < past.length; t++) unit += Math.abs((past[t] ?? 0) - (past[t - 288] ?? 0)) / (past.length - 288)
    for (const [change, inject] of Object.entries(changes)) {
      const watch = new DeviationWatch(calibration)
      const evidence: number[] = []
      for (let point = 0; point < points; point++) {
        const actual = Math.max(0, Math.min(100, inject(series[at + point] ?? 0, unit, point, random)))
        evidence.push(watch.observe({ cpu: actual - (predicted[point] ?? 0) }).evidence)
      }
      const begin = watch.explain()[0]?.change
      watched.push({ machine, change, evidence, since: begin?.at ?? points, isCovered: begin?.from === 0 })
    }
  }
  return watched
}

function cellOf(
  watched: readonly Watched[],
  change: string,
  threshold: number,
): { readonly change: string; readonly detected: number; readonly delay: number | undefined } {
  const among = watched.filter((one) => one.change === change)
  const delays = among.flatMap((one) => {
    const point = one.evidence.findIndex((value) => value >= threshold)
    return point < 0 ? [] : [(point + 1) * 5]
  })
  return { change, detected: (100 * delays.length) / among.length, delay: delays.length === 0 ? undefined : median(delays) }
}

/** The threshold at which at most this share of the windows without a change alarm. */
function thresholdFor(watched: readonly Watched[], share: number): number {
  const ends = watched
    .filter((one) => one.change === 'control')
    .map((one) => one.evidence.at(-1) ?? 0)
    .sort((a, b) => b - a)
  return (ends[Math.floor(share * ends.length)] ?? 0) + 1e-9
}

async function readMachines(file: string): Promise<readonly Float64Array[]> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  const rows = lines.slice(1).map((line) => line.split(',').slice(1).map(Number))
  return (rows[0] ?? []).map((_value, column) => Float64Array.from(rows, (row) => row[column] ?? 0))
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
