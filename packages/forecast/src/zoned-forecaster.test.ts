import { seededRandom } from '@understudy/core'
import { expect, test } from 'vitest'
import { quantile } from './distribution/distribution.ts'
import { meanAbsoluteError } from './evaluation/scores.ts'
import { fitForecaster } from './fit-forecaster.ts'
import type { Factor } from './factors/factor.ts'
import { regularSeries } from './series/series.ts'
import { gaussian } from './testing-series.ts'

const [hour, length, horizon] = [3_600_000, 336, 24]
const localHour = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', hourCycle: 'h23' })
/** Office hours of Berlin: steep at 8 and at 18 of the clock there. */
const officeLoad = (time: number): number => (Number(localHour.format(time)) >= 8 && Number(localHour.format(time)) < 18 ? 100 : 20)

/** Load of some days from `days` before a change of the clocks on. */
function around(change: string, days: number): { readonly startMs: number; readonly values: Float64Array } {
  const startMs = Date.parse(change) - days * 24 * hour
  const random = seededRandom(2)
  return { startMs, values: Float64Array.from({ length: length + 4 * horizon }, (_, index) => officeLoad(startMs + index * hour) + gaussian(random)) }
}

const [spring, autumn] = ['2026-03-29T01:00Z', '2026-10-25T01:00Z']
const changes = [
  ['clocks go forward', spring],
  ['clocks go back', autumn],
] as const

test.each(changes)('habits are forecast by the clock when %s within the horizon', (_name, change) => {
  const { startMs, values } = around(change, 14)
  const errorOf = (zone: { readonly timeZone?: string }): number => {
    const forecaster = fitForecaster(regularSeries({ values: values.subarray(0, length - 6), startMs, ...zone }), { horizon })
    return meanAbsoluteError(
      values.subarray(length - 6, length - 6 + horizon),
      Float64Array.from({ length: horizon }, (_, step) => quantile(forecaster.predict(), step + 1, 0.5)),
    )
  }
  expect(errorOf({})).toBeGreaterThan(5)
  expect(errorOf({ timeZone: 'Europe/Berlin' })).toBeLessThan(2)
})

test.each(changes)('after %s, in the history or as it happens, no habit is learnt anew', (_name, change) => {
  for (const daysBefore of [10, 14]) {
    const { startMs, values } = around(change, daysBefore)
    const forecaster = fitForecaster(regularSeries({ values: values.subarray(0, length), startMs, timeZone: 'Europe/Berlin' }), { horizon })
    forecaster.update(values.subarray(length, length + 2 * horizon))
    const error = meanAbsoluteError(
      values.subarray(length + 2 * horizon, length + 3 * horizon),
      Float64Array.from({ length: horizon }, (_, step) => quantile(forecaster.predict(), step + 1, 0.5)),
    )
    expect(error).toBeLessThan(2)
    expect(forecaster.assess(1).score.mae).toBeLessThan(2)
    expect(forecaster.paths(horizon, 3, seededRandom(1)).map(({ length: steps }) => steps)).toEqual([horizon, horizon, horizon])
  }
})

test.each(changes)('factors keep their times when %s', (_name, change) => {
  const { startMs, values } = around(change, 7)
  const isSale = (index: number): boolean => Math.floor(index / 30) % 4 === 1
  const lifted = values.map((value, index) => value + (isSale(index) ? 60 : 0))
  const sale: Factor = { name: 'sale', kind: 'categorical', known: 'ahead', values: Array.from(values, (_, index) => `${isSale(index)}`) }
  const series = regularSeries({ values: lifted.subarray(0, length), startMs, timeZone: 'Europe/Berlin' })
  const forecaster = fitForecaster(series, { horizon, factors: [sale, { name: 'same', kind: 'numeric', known: 'until-now', values: lifted }] })
  const error = meanAbsoluteError(
    lifted.subarray(length, length + horizon),
    Float64Array.from({ length: horizon }, (_, step) => quantile(forecaster.predict(), step + 1, 0.5)),
  )
  expect(error).toBeLessThan(12)
})

test('a zone without a change makes next to no difference', () => {
  const { startMs, values } = around('2026-07-01T00:00Z', 14)
  const [zoned, plain] = [{ timeZone: 'Europe/Berlin' }, {}].map((zone) =>
    fitForecaster(regularSeries({ values: values.subarray(0, length), startMs, ...zone }), { horizon }).predict(),
  )
  expect(zoned!.values.length).toBe(horizon)
  zoned!.values.forEach((row, step) => expect(row[13]).toBeCloseTo(plain!.values[step]![13]!, -0.5))
})
