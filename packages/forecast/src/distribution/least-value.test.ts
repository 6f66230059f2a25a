import { seededRandom } from '@understudy/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitForecaster } from '../fit-forecaster.ts'
import { regularSeries } from '../series/series.ts'
import { gridLevels, levelAmong, quantile } from './distribution.ts'
import { LeastValue } from './least-value.ts'

/** A fortnight of hours; the second half of each day is at 0 with the given probability, and all else above. */
const seldomBusy = (probability: number, seed = 1): Float64Array => {
  const random = seededRandom(seed)
  return Float64Array.from({ length: 336 }, (_, hour) => (hour % 24 >= 12 && random.next() < probability ? 0 : 5 + random.next()))
}

test('the share is that of the place and, by half, of its neighbours', () => {
  const least = new LeastValue(
    Float64Array.from({ length: 336 }, (_, hour) => (hour % 24 === 6 || hour % 24 === 7 ? -2 : hour)),
    24,
  )
  expect(least.value).toBe(-2)
  expect([4, 5, 6, 7, 8, 9].map((hour) => least.shareAt(336 + hour))).toEqual([0, 0.25, 0.75, 0.75, 0.25, 0])
})

test('a series that has left its least value does not go back there, and one that is there more often is so by no more than its past', () => {
  const least = new LeastValue(seldomBusy(1), 24)
  const before = least.shareAt(336 + 18)
  expect(before).toBe(1)
  for (let hour = 0; hour < 48; hour++) least.add(7)
  expect(least.shareAt(336 + 18)).toBe(0)
  for (let hour = 0; hour < 48; hour++) least.add(0)
  expect(least.shareAt(336 + 18)).toBe(before)
  expect(least.shareAt(336 + 6)).toBe(0)
})

test('what is seldom or was seen too few times says nothing, and neither do gaps', () => {
  expect(new LeastValue(Float64Array.of(0, 0, 0, 5), 1).shareAt(4)).toBe(0)
  expect(
    new LeastValue(
      Float64Array.from({ length: 336 }, (_, hour) => hour),
      24,
    ).shareAt(336),
  ).toBe(0)
  const gappy = seldomBusy(1).map((value, hour) => (hour % 3 === 0 ? NaN : value))
  expect(new LeastValue(gappy, 24).shareAt(336 + 18)).toBe(1)
})

test('quantiles are at the least value as often as it comes, and above it from there on', () => {
  const history = seldomBusy(0.4)
  const least = new LeastValue(history, 24)
  const forecaster = fitForecaster(regularSeries({ values: history }), { horizon: 24 })
  const distribution = forecaster.predict()
  for (let step = 14; step <= 23; step++) {
    const share = least.shareAt(335 + step)
    expect(share).toBeGreaterThan(0.1)
    expect(quantile(distribution, step, Math.floor(20 * share) / 20)).toBe(0)
    expect(quantile(distribution, step, 0.9)).toBeGreaterThan(5)
  }
  expect(quantile(distribution, 6, 0.1)).toBeGreaterThan(1)
})

test('of levels that share a value the nearest to the middle is its level', () => {
  const levels = Float64Array.of(0.1, 0.3, 0.5, 0.7, 0.9)
  expect(levelAmong(levels, Float64Array.of(0, 0, 0, 1, 2), 0)).toBe(0.5)
  expect(levelAmong(levels, Float64Array.of(0, 0, 1, 2, 3), 0)).toBe(0.3)
  expect(levelAmong(levels, Float64Array.of(0, 1, 1, 1, 2), 1)).toBe(0.5)
  expect(levelAmong(levels, Float64Array.of(0, 1, 2, 3, 3), 3)).toBe(0.7)
  expect(levelAmong(levels, Float64Array.of(0, 1, 2, 3, 4), 3.5)).toBeCloseTo(0.8)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 5, maxLength: 5 }), fc.integer({ min: -1, max: 7 }), (some, value) => {
      const values = Float64Array.from(some).sort()
      const level = levelAmong(levels, values, value)
      const isWithin = value >= values[0]! && value <= values[4]!
      expect(level >= 0.1 && level <= 0.9).toBe(isWithin)
    }),
  )
  expect(gridLevels[13]).toBeCloseTo(0.5)
})
