import type { Random } from '@understudy/core'
import { seededRandom } from '@understudy/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { levelOf, quantile } from './distribution/distribution.ts'
import { ForecastError } from './errors.ts'
import { fitForecaster } from './fit-forecaster.ts'
import type { Member } from './members/member.ts'
import { allMembers } from './members/index.ts'
import { regularSeries } from './series/series.ts'
import { dailyDemand, gaussian } from './testing-series.ts'

const finiteValue = fc.double({ min: -1e9, max: 1e9, noNaN: true })

test('any finite history with gaps gives finite quantiles that never fall and keep within floor and cap', () => {
  const history = fc.array(fc.oneof({ weight: 9, arbitrary: finiteValue }, { weight: 1, arbitrary: fc.constant(NaN) }), {
    minLength: 2,
    maxLength: 200,
  })
  const cases = fc.tuple(history, fc.integer({ min: 1, max: 30 }))
  fc.assert(
    fc.property(cases, ([values, horizon]) => {
      fc.pre(values.filter(Number.isFinite).length >= 2)
      const distribution = fitForecaster(regularSeries({ values, floor: -5e8, cap: 5e8 }), { horizon }).predict()
      for (const row of distribution.values) {
        row.forEach((value, index) => {
          expect(value).toBeGreaterThanOrEqual(index === 0 ? -5e8 : row[index - 1]!)
          expect(value).toBeLessThanOrEqual(5e8)
        })
      }
    }),
    { numRuns: 60 },
  )
})

test('in another unit the forecast is the same: a + b y has the quantiles a + b q', () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0.01, max: 1000, noNaN: true }), fc.double({ min: -1e4, max: 1e4, noNaN: true }), (seed, b, a) => {
      const values = dailyDemand(seededRandom(seed), 240, 5)
      const plain = fitForecaster(regularSeries({ values, floor: -Infinity }), { horizon: 12 }).predict()
      const moved = fitForecaster(regularSeries({ values: values.map((value) => a + b * value), floor: -Infinity }), { horizon: 12 }).predict()
      for (const level of [0.05, 0.5, 0.95]) {
        // Parameters are chosen on a grid, so that rounding moves nothing but the last digits.
        expect((quantile(moved, 12, level) - a) / b).toBeCloseTo(quantile(plain, 12, level), 4)
      }
    }),
    { numRuns: 15 },
  )
})

test.each([
  ['normal', gaussian],
  ['one-sided', (random: Random) => -Math.log(1 - random.next()) - 1],
] as const)('on simulated demand with %s noise the intervals hold about what they promise', (_name, noise) => {
  let held80 = 0
  let held95 = 0
  let count = 0
  for (let seed = 0; seed < 25; seed++) {
    const random = seededRandom(seed)
    const values = dailyDemand(random, 360, 0).map((value) => value + 5 * noise(random))
    const distribution = fitForecaster(regularSeries({ values: values.slice(0, 336) }), { horizon: 24 }).predict()
    for (let step = 1; step <= 24; step++) {
      const actual = values[335 + step]!
      count++
      if (actual >= quantile(distribution, step, 0.1) && actual <= quantile(distribution, step, 0.9)) held80++
      if (actual >= quantile(distribution, step, 0.025) && actual <= quantile(distribution, step, 0.975)) held95++
    }
  }
  expect(held80 / count).toBeGreaterThan(0.74)
  expect(held80 / count).toBeLessThan(0.93)
  expect(held95 / count).toBeGreaterThan(0.92)
})

test('every step ahead has a score of its own, in the series’ unit, and nothing is known of one before its time', () => {
  const random = seededRandom(8)
  const forecaster = fitForecaster(regularSeries({ values: dailyDemand(random, 336, 6).map((value) => 1000 * value) }), { horizon: 6 })
  const later = dailyDemand(random, 120, 6).map((value) => 1000 * value)
  let error = 0
  for (let hour = 0; hour < later.length; hour++) {
    error += Math.abs(later[hour]! - quantile(forecaster.predict(), 1, 0.5)) / later.length
    forecaster.update(later.subarray(hour, hour + 1))
    if (hour === 3) expect([1, 2, 4, 5, 6].map((step) => forecaster.assess(step).score.count)).toEqual([4, 3, 1, 0, 0])
  }
  const [near, far] = [forecaster.assess(1).score, forecaster.assess(6).score]
  expect([near.count, far.count]).toEqual([120, 115])
  // The score is of the combination's point, from which the median may be a little off.
  expect(near.mae / error).toBeGreaterThan(0.8)
  expect(near.mae / error).toBeLessThan(1.2)
  expect(forecaster.assess()).toEqual(forecaster.assess(6))
})

test('the same history and seed give the same distribution and the same paths', () => {
  const make = (): unknown => {
    const forecaster = fitForecaster(regularSeries({ values: dailyDemand(seededRandom(3), 240, 5) }), { horizon: 24 })
    return [forecaster.predict(), forecaster.paths(24, 5, seededRandom(7))]
  }
  expect(make()).toEqual(make())
})

test('a constant history is forecast as that constant, without width', () => {
  const distribution = fitForecaster(regularSeries({ values: new Float64Array(100).fill(7) }), { horizon: 3 }).predict()
  expect(quantile(distribution, 3, 0.01)).toBe(7)
  expect(quantile(distribution, 3, 0.99)).toBe(7)
})

test('a model that fails, breaks or explodes falls out of the combination, and the forecast stands', () => {
  const broken: readonly Member[] = [
    { name: 'refuses', fit: () => undefined },
    {
      name: 'throws',
      fit: () => {
        throw new RangeError('singular')
      },
    },
    { name: 'nan', fit: () => ({ predict: (into) => void into.fill(NaN), update: () => undefined }) },
  ]
  const series = regularSeries({ values: dailyDemand(seededRandom(1), 240, 5) })
  const with_ = fitForecaster(series, { horizon: 6, members: [...allMembers, ...broken] })
  const without = fitForecaster(series, { horizon: 6 })
  expect(with_.members).toEqual(without.members)
  expect(with_.predict()).toEqual(without.predict())
})

test('the peak over a window is higher on paths than the highest median, and margins are the distribution’s', () => {
  const forecaster = fitForecaster(regularSeries({ values: dailyDemand(seededRandom(5), 336, 10) }), { horizon: 24 })
  const distribution = forecaster.predict()
  const paths = forecaster.paths(24, 2000, seededRandom(1))
  const below = paths.filter((path) => path[11]! <= quantile(distribution, 12, 0.9)).length / paths.length
  expect(below).toBeCloseTo(0.9, 1)
  const peaks = paths.map((path) => Math.max(...path)).sort((a, b) => a - b)
  const highestMedian = Math.max(...distribution.values.map((_, step) => quantile(distribution, step + 1, 0.5)))
  expect(peaks[1000]).toBeGreaterThan(highestMedian)
})

test('when demand shifts, the forecast follows and the width grows until outcomes are held again', () => {
  const random = seededRandom(11)
  const forecaster = fitForecaster(regularSeries({ values: dailyDemand(random, 336, 3) }), { horizon: 12 })
  const width = (): number => quantile(forecaster.predict(), 12, 0.9) - quantile(forecaster.predict(), 12, 0.1)
  const before = width()
  forecaster.update(dailyDemand(random, 96, 12).map((value) => value + 60))
  expect(width()).toBeGreaterThan(1.5 * before)
  const next = forecaster.predict()
  expect(quantile(next, 1, 0.5)).toBeGreaterThan(130)
  expect(levelOf(next, 1, 100)).toBeLessThan(0.3)
})

test('noise around a level of its own beats seasonal naive and may act; a repetition of yesterday may not', () => {
  const random = seededRandom(2)
  const steady = fitForecaster(regularSeries({ values: dailyDemand(random, 336, 8) }), { horizon: 6 })
  const more = dailyDemand(random, 336, 8)
  expect(steady.assess().verdict).toBe('silent')
  steady.update(more)
  expect(steady.assess()).toMatchObject({ verdict: 'act' })
  const day = Float64Array.from({ length: 24 }, () => gaussian(random))
  const copies = Float64Array.from({ length: 672 }, (_, hour) => 10 + day[hour % 24]!)
  const repeating = fitForecaster(regularSeries({ values: copies.slice(0, 336) }), { horizon: 6 })
  repeating.update(copies.slice(336))
  expect(repeating.assess().verdict).not.toBe('act')
})

test.each([
  ['values', () => regularSeries({ values: [] })],
  ['values', () => regularSeries({ values: [1] })],
  ['values', () => regularSeries({ values: [1, NaN] })],
  ['values', () => regularSeries({ values: [1, Infinity, 2] })],
  ['stepMs', () => regularSeries({ values: [1, 2], stepMs: 0 })],
  ['startMs', () => regularSeries({ values: [1, 2], startMs: NaN })],
  ['cap', () => regularSeries({ values: [1, 2], cap: -1 })],
  ['floor', () => regularSeries({ values: [1, 2], floor: NaN })],
  ['horizon', () => fitForecaster(regularSeries({ values: [1, 2] }), { horizon: 0 })],
  ['horizon', () => fitForecaster(regularSeries({ values: [1, 2] }), { horizon: 10_000 })],
  ['horizon', () => fitForecaster(regularSeries({ values: [1, 2] }), { horizon: 1 }).predict(2)],
  ['periods', () => fitForecaster(regularSeries({ values: [1, 2, 3] }), { horizon: 1, periods: [24] })],
  ['values', () => fitForecaster(regularSeries({ values: [1, 2] }), { horizon: 1 }).update([Infinity])],
  ['step', () => fitForecaster(regularSeries({ values: [1, 2] }), { horizon: 1 }).assess(2)],
  ['level', () => quantile(fitForecaster(regularSeries({ values: [1, 2] }), { horizon: 1 }).predict(), 1, 1.1)],
  ['count', () => fitForecaster(regularSeries({ values: [1, 2] }), { horizon: 1 }).paths(1, 0, seededRandom(1))],
])('bad input is an error that names %s', (argument, act) => {
  expect(act).toThrow(ForecastError)
  expect(act).toThrow(expect.objectContaining({ argument }))
})
