import { seededRandom } from '@understudy/core'
import { describe, expect, test } from 'vitest'
import { ForecastError } from '../errors.ts'
import { fillGaps } from './fill.ts'
import { findPeriods } from './find-periods.ts'
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

describe('periods that nobody named', () => {
  const random = seededRandom(3)
  /** About normal, with a standard deviation of 1. */
  const noise = (): number => Array.from({ length: 12 }, () => random.next()).reduce((sum, value) => sum + value, -6)
  const series = (length: number, at: (index: number) => number): Float64Array => Float64Array.from({ length }, (_, index) => at(index))
  const wave = (index: number, period: number): number => Math.sin((2 * Math.PI * index) / period)

  test.each([
    ['a wave beside the day', 336, (i: number) => 10 * wave(i, 24) + 5 * wave(i, 9), [24, 168], [9]],
    ['a peak every ninth step', 336, (i: number) => (i % 9 === 0 ? 8 : 0), [24], [9]],
    ['on for 20 steps of 50', 600, (i: number) => (i % 50 < 20 ? 8 : 0), [24], [50]],
    ['two waves', 1000, (i: number) => 5 * wave(i, 36) + 5 * wave(i, 10), [], [10, 36]],
    ['a long one', 4000, (i: number) => 5 * wave(i, 101), [], [101]],
    ['half a day, which the shape of the day has', 336, (i: number) => 10 * wave(i, 24) + 3 * wave(i, 12), [24], []],
    ['fewer than four cycles', 120, (i: number) => 10 * wave(i, 40), [], []],
  ])('%s', (_, length, shape, known, found) => {
    expect(
      findPeriods(
        series(length, (index) => shape(index) + noise()),
        known,
      ),
    ).toEqual(found)
  })

  test('gaps hide none, and a constant or an empty series has none', () => {
    const gappy = series(336, (index) => (index % 5 === 2 ? NaN : 5 * wave(index, 9) + noise()))
    expect(findPeriods(gappy)).toEqual([9])
    expect(findPeriods(new Float64Array(336).fill(7))).toEqual([])
    expect(findPeriods(new Float64Array(0))).toEqual([])
  })

  test('chance makes none: of 300 series of noise, 300 that follow themselves and 300 that wander', () => {
    let [own, walk, found] = [0, 0, 0]
    for (let trial = 0; trial < 300; trial++) {
      const count = (at: () => number): void => void (found += findPeriods(series(336, at), [24, 168]).length)
      count(noise)
      count(() => (own = 0.9 * own + noise()))
      count(() => (walk += noise()))
    }
    // One in a thousand each, and a fifth of the variance besides.
    expect(found).toBeLessThanOrEqual(3)
  })

  test('a forecaster takes what repeats more than the day does, by itself', () => {
    const cycle = series(336, (index) => 50 + 20 * wave(index, 9) + noise())
    expect(seasonalPeriods(cycle, 3_600_000)).toEqual([9, 24, 168])
  })
})
