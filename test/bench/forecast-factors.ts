import { seededRandom } from '@understudy/core'
import type { Factor } from '@understudy/forecast'
import { fitForecaster, maseScale, meanAbsoluteError, quantile, regularSeries } from '@understudy/forecast'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dataDirectory } from './data-directory.ts'

/*
 * `npm run bench -- forecast-factors`: hourly demand with weather and calendar, 8 weeks in, 24 h out, with the same engine without
 * factors, with factors known ahead, with forecasts of them, with their past alone, and with factors that have nothing to do with it.
 */

const history = 8 * 168
const horizon = 24
/** Forecasts of weather: errors that last for hours, of so much of the factor's standard deviation; categories are yesterday's that often. */
const forecastError = { ofDeviation: 0.2, lasting: 0.9, yesterdays: 0.3 }

const sets = [
  {
    name: 'bike',
    file: 'bike_sharing.csv',
    value: 'users',
    numeric: ['temp', 'hum', 'windspeed'],
    calendar: ['holiday', 'workingday'],
    weather: ['weather'],
  },
  { name: 'electricity', file: 'vic_electricity_hourly.csv', value: 'demand_mw', numeric: ['temperature_c'], calendar: ['holiday'], weather: [] },
] as const

const modes = ['none', 'known ahead', 'forecasts of them', 'past alone', 'unrelated'] as const
type Mode = (typeof modes)[number]

export async function benchForecastFactors(args: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({ args: [...args], options: { origins: { type: 'string', default: '20' } } })
  const { path, isShort } = dataDirectory()
  if (isShort) return say('The data sets with factors are not in the project: UNDERSTUDY_DATA_DIR has to name their folder.')
  const results: { set: string; mode: Mode; mase: number; ofNone: number; used: number }[] = []
  say(`8 weeks in, 24 h out, ${options.origins} origins; errors of forecasts of factors: ${JSON.stringify(forecastError)}\n`)
  say('| set | factors | MASE | of none | used at |\n| --- | --- | --- | --- | --- |')
  for (const set of sets) {
    const table = await readTable(join(path, 'dev/exog', set.file))
    const all = Float64Array.from(table.get(set.value)!, Number)
    const count = Number(options.origins)
    const errors = new Map(modes.map((mode) => [mode, 0]))
    const used = new Map(modes.map((mode) => [mode, 0]))
    for (let place = 0; place < count; place++) {
      const from = Math.floor((place * (all.length - history - horizon)) / Math.max(1, count - 1))
      const past = all.subarray(from, from + history)
      const future = all.subarray(from + history, from + history + horizon)
      for (const mode of modes) {
        const forecaster = fitForecaster(regularSeries({ values: past }), { horizon, factors: factorsOf(set, table, from, mode, place) })
        const distribution = forecaster.predict()
        const medians = Float64Array.from(future, (_, index) => quantile(distribution, index + 1, 0.5))
        errors.set(mode, errors.get(mode)! + meanAbsoluteError(future, medians) / maseScale(past, 168) / count)
        if (forecaster.members.some(({ name }) => name.includes('factor'))) used.set(mode, used.get(mode)! + 1)
      }
    }
    for (const mode of modes) {
      const [mase, ofNone] = [errors.get(mode)!, errors.get(mode)! / errors.get('none')!]
      results.push({ set: set.name, mode, mase, ofNone, used: used.get(mode)! })
      say(`| ${set.name} | ${mode} | ${mase.toFixed(3)} | ${ofNone.toFixed(3)} | ${used.get(mode)} of ${count} |`)
    }
    const gain = (mode: Mode): number => 1 - errors.get(mode)! / errors.get('none')!
    say(`  ${set.name}: ${((100 * gain('forecasts of them')) / gain('known ahead')).toFixed(0)} % of the gain is left with forecasts of factors`)
  }
  await mkdir('bench-results', { recursive: true })
  await writeFile(
    'bench-results/forecast-factors.json',
    `${JSON.stringify({ bench: 'forecast-factors', options, forecastError, results }, undefined, 2)}\n`,
  )
  say('\nWritten to bench-results/forecast-factors.json')
}

function factorsOf(
  set: (typeof sets)[number],
  table: ReadonlyMap<string, readonly string[]>,
  from: number,
  mode: Mode,
  seed: number,
): readonly Factor[] {
  if (mode === 'none') return []
  const random = seededRandom(seed)
  if (mode === 'unrelated') {
    let walk = 0
    const values = Float64Array.from({ length: history + horizon }, () => (walk += random.next() - 0.5))
    return [{ name: 'walk', kind: 'numeric', known: 'ahead', values }]
  }
  const cells = (name: string): readonly string[] => table.get(name)!.slice(from, from + history + horizon)
  const known = mode === 'past alone' ? 'until-now' : 'ahead'
  const isForecast = mode === 'forecasts of them'
  const numeric = set.numeric.map((name): Factor => {
    const values = Float64Array.from(cells(name), Number)
    return { name, kind: 'numeric', known, values: isForecast ? withErrors(values, () => random.next()) : values }
  })
  const weather = set.weather.map((name): Factor => {
    const values = cells(name)
    const told = values.map((value, index) =>
      isForecast && index >= history && random.next() < forecastError.yesterdays ? values[index - 24]! : value,
    )
    return { name, kind: 'categorical', known, values: told }
  })
  // A calendar is known whatever else is not.
  return [...numeric, ...weather, ...set.calendar.map((name): Factor => ({ name, kind: 'categorical', known: 'ahead', values: cells(name) }))]
}

function withErrors(values: Float64Array, random: () => number): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
  const { ofDeviation, lasting } = forecastError
  // A uniform number has a standard deviation of a twelfth's root.
  const push = (): number => Math.sqrt(12) * (random() - 0.5)
  let error = push()
  return values.map((value, index) => {
    if (index < history) return value
    error = lasting * error + Math.sqrt(1 - lasting ** 2) * push()
    return value + ofDeviation * deviation * error
  })
}

async function readTable(file: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const [header = '', ...lines] = (await readFile(file, 'utf8')).trim().split('\n')
  const rows = lines.map((line) => line.split(','))
  return new Map(header.split(',').map((name, column) => [name, rows.map((row) => row[column]!)]))
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
