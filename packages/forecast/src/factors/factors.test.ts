import { seededRandom } from '@understudy/core'
import { expect, test } from 'vitest'
import { quantile } from '../distribution/distribution.ts'
import { ForecastError } from '../errors.ts'
import { meanAbsoluteError } from '../evaluation/scores.ts'
import type { Forecaster } from '../forecaster.ts'
import { fitForecaster } from '../fit-forecaster.ts'
import { regularSeries } from '../series/series.ts'
import { dailyDemand, gaussian } from '../testing-series.ts'
import type { Factor } from './factor.ts'
import { fitJointly } from './joint.ts'

const [length, horizon] = [28 * 24, 24]

/** Heat that wanders from day to day, and demand that follows it. */
function warmDemand(seed: number): { readonly values: Float64Array; readonly heat: Float64Array } {
  const random = seededRandom(seed)
  let wander = 0
  const heat = Float64Array.from({ length: length + horizon }, () => (wander = 0.97 * wander + gaussian(random)))
  return { values: dailyDemand(random, length + horizon, 2).map((value, hour) => value + 6 * heat[hour]!), heat }
}

const errorOf = (forecaster: Forecaster, future: Float64Array): number =>
  meanAbsoluteError(
    future,
    Float64Array.from(future, (_, index) => quantile(forecaster.predict(), index + 1, 0.5)),
  )

test('a factor known ahead halves the error of demand that follows it', () => {
  let [withHeat, without] = [0, 0]
  for (let seed = 0; seed < 4; seed++) {
    const { values, heat } = warmDemand(seed)
    const series = regularSeries({ values: values.subarray(0, length) })
    const factors: readonly Factor[] = [{ name: 'heat', kind: 'numeric', known: 'ahead', values: heat }]
    const forecaster = fitForecaster(series, { horizon, factors })
    expect(forecaster.members.map(({ name }) => name)).toContain('factor-regression')
    withHeat += errorOf(forecaster, values.subarray(length))
    without += errorOf(fitForecaster(series, { horizon }), values.subarray(length))
  }
  expect(withHeat).toBeLessThan(0.5 * without)
})

test('a category that lifts a day is foreseen where the calendar says so', () => {
  const values = dailyDemand(seededRandom(3), length + horizon, 2)
  const isEvent = (hour: number): boolean => [3, 8, 12, 17, 22, 25, 28].includes(Math.floor(hour / 24))
  const lifted = values.map((value, hour) => value + (isEvent(hour) ? 60 : 0))
  const event: Factor = {
    name: 'event',
    kind: 'categorical',
    known: 'ahead',
    values: Array.from(values, (_, hour) => (isEvent(hour) ? 'sale' : 'none')),
  }
  const series = regularSeries({ values: lifted.subarray(0, length) })
  const informed = errorOf(fitForecaster(series, { horizon, factors: [event] }), lifted.subarray(length))
  expect(informed).toBeLessThan(0.5 * errorOf(fitForecaster(series, { horizon }), lifted.subarray(length)))
})

test('factors that have nothing to do with a series cost next to nothing', () => {
  let [withNoise, without] = [0, 0]
  for (let seed = 0; seed < 6; seed++) {
    const random = seededRandom(100 + seed)
    const values = dailyDemand(random, length + horizon, 5)
    const noise: Factor = { name: 'noise', kind: 'numeric', known: 'ahead', values: values.map(() => gaussian(random)) }
    const series = regularSeries({ values: values.subarray(0, length) })
    withNoise += errorOf(fitForecaster(series, { horizon, factors: [noise] }), values.subarray(length))
    without += errorOf(fitForecaster(series, { horizon }), values.subarray(length))
  }
  expect(withNoise).toBeLessThan(1.03 * without)
})

test('a cluster that follows another by a day is forecast with it, and the leader without', () => {
  const random = seededRandom(5)
  let wander = 0
  const moves = Float64Array.from({ length: length + 2 * horizon }, () => (wander = 0.97 * wander + gaussian(random)))
  const leader = dailyDemand(random, length + horizon, 1).map((value, hour) => value + 6 * moves[hour + horizon]!)
  const follower = dailyDemand(random, length + horizon, 1).map((value, hour) => value + 6 * moves[hour]!)
  const joint = [leader, follower].map((values, index) => ({
    name: `cluster ${index}`,
    series: regularSeries({ values: values.subarray(0, length) }),
  }))
  const [, informed] = fitJointly(joint, { horizon })
  const alone = fitForecaster(joint[1]!.series, { horizon })
  expect(errorOf(informed!, follower.subarray(length))).toBeLessThan(0.7 * errorOf(alone, follower.subarray(length)))
})

test('a forecaster with factors goes on beyond what is known of them, and keeps finite through gaps', () => {
  const { values, heat } = warmDemand(9)
  heat.fill(NaN, 100, 130)
  const factors: readonly Factor[] = [{ name: 'heat', kind: 'numeric', known: 'ahead', values: heat }]
  const forecaster = fitForecaster(regularSeries({ values: values.subarray(0, length) }), { horizon, factors })
  forecaster.update(values.subarray(length))
  forecaster.update(values.subarray(length))
  expect(forecaster.predict().values.every((row) => row.every(Number.isFinite))).toBe(true)
})

const series = regularSeries({ values: dailyDemand(seededRandom(1), 96, 2) })
const flat = (count: number): Float64Array => new Float64Array(count)
test.each<[string, readonly Factor[]]>([
  ['too short', [{ name: 'a', kind: 'numeric', known: 'ahead', values: flat(96) }]],
  ['infinite', [{ name: 'a', kind: 'numeric', known: 'until-now', values: flat(96).fill(Infinity) }]],
  ['twice', [0, 1].map((): Factor => ({ name: 'a', kind: 'numeric', known: 'until-now', values: flat(96) }))],
])('factors that are %s are refused by name', (_, factors) => {
  const act = (): unknown => fitForecaster(series, { horizon: 12, factors })
  expect(act).toThrow(ForecastError)
  expect(act).toThrow(expect.objectContaining({ argument: 'factors' }))
})

test('series that do not start and end together are not forecast jointly', () => {
  const shorter = regularSeries({ values: series.values.subarray(1) })
  const act = (): unknown =>
    fitJointly(
      [
        { name: 'a', series },
        { name: 'b', series: shorter },
      ],
      { horizon: 3 },
    )
  expect(act).toThrow(expect.objectContaining({ argument: 'series' }))
})
