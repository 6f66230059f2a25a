import { expect, test } from 'vitest'
import { ForecastError } from '../errors.ts'
import { fillGaps } from './fill.ts'
import { resample } from './resample.ts'
import { seasonalPeriods } from './seasonality.ts'

test.each([
  ['mean', [2, NaN, 5]],
  ['sum', [6, NaN, 5]],
  ['last', [1, NaN, 5]],
  ['max', [3, NaN, 5]],
] as const)('points of one step become their %s, and a step without any is a gap', (rule, expected) => {
  const { values, startMs } = resample([1001, 1300, 1900, 3000], [2, 3, 1, 5], { stepMs: 1000, rule })
  expect([...values]).toEqual(expected)
  expect(startMs).toBe(1000)
})

test.each([
  ['times', [], []],
  ['times', [2, 1], [1, 1]],
  ['times', [1, 1], [1, 1]],
  ['times', [NaN], [1]],
  ['values', [1, 2], [1]],
  ['values', [1], [NaN]],
  ['stepMs', [0, 1e15], [1, 1]],
])('resampling refuses bad %s', (argument, times, values) => {
  const act = (): unknown => resample(times, values, { stepMs: 10, rule: 'mean' })
  expect(act).toThrow(ForecastError)
  expect(act).toThrow(expect.objectContaining({ argument }))
})

test('a gap is filled from the same place of the neighbouring cycles, at the ends from the nearest there is', () => {
  expect([...fillGaps(Float64Array.of(1, 10, NaN, 20, 3, 30), 2)]).toEqual([1, 10, 2, 20, 3, 30])
  expect([...fillGaps(Float64Array.of(NaN, 4, NaN), 5)]).toEqual([4, 4, 4])
})

test('a day and a week count where two of each are there; a candidate only if the series confirms it', () => {
  const wave = Float64Array.from({ length: 400 }, (_, hour) => Math.sin((2 * Math.PI * hour) / 8))
  expect(seasonalPeriods(wave, 3_600_000, [8, 13])).toEqual([8, 24, 168])
  expect(seasonalPeriods(wave.slice(0, 100), 3_600_000)).toEqual([24])
  expect(seasonalPeriods(wave.slice(0, 40), 3_600_000)).toEqual([])
})
