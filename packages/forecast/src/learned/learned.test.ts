import { seededRandom } from '@understudy/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quantile } from '../distribution/distribution.ts'
import { fitCorrected, fitForecaster } from '../fit-forecaster.ts'
import { seasonalNaive } from '../members/seasonal-naive.ts'
import { regularSeries } from '../series/series.ts'
import { dailyDemand } from '../testing-series.ts'
import { correctBy } from './correction.ts'
import { featureNames, FeatureTable, lookedAt } from './features.ts'
import type { Forest } from './forest.ts'
import { depth, outputs, parts, predictForest } from './forest.ts'
import { emptyLocalForecast } from './local-forecast.ts'
import { packForest, unpackForest } from './packed.ts'
import { shippedText } from './shipped-model.ts'

const constant = (low: number, median: number, high: number): Forest => ({
  bases: Float32Array.of(low, median, high),
  features: new Uint8Array(),
  thresholds: new Int32Array(),
  leaves: new Float32Array(),
})
/** A normal distribution's quantiles around a median that is `shift` local deviations away, `width` times as wide. */
const says = (shift: number, width: number): Forest => constant(shift - 1.28155 * width, shift, shift + 1.28155 * width)
const history = (seed: number, length = 336): Float64Array => dailyDemand(seededRandom(seed), length, 5)
const forecastOf = (values: Float64Array, model?: Forest, horizon = 24) =>
  fitCorrected(regularSeries({ values, floor: -Infinity }), { horizon }, model && correctBy(model)).predict()

test('trees ask one question a level, and a forest comes out of its text as it went in', () => {
  const forest: Forest = {
    bases: Float32Array.of(10, 0, -1),
    // The second asks one question four times.
    features: Uint8Array.of(0, 1, 1, 0, 1, 1, 1, 1),
    thresholds: Int32Array.of(5, 20, 40, 100, 30, 30, 30, 30),
    // The first says something of each, the second of the first alone.
    leaves: Float32Array.from(
      Array.from({ length: 32 }, (_, leaf) => [
        leaf < 16 ? leaf : leaf === 16 ? 0.25 : leaf === 31 ? 0.5 : 99,
        leaf < 16 ? 2 * leaf : 0,
        leaf < 16 ? -leaf : 0,
      ]).flat(),
    ),
  }
  // Two features of four rows, feature by feature.
  const table = Int32Array.of(5, 6, -200, 101, 20, 0, 50, 30)
  const into = new Float64Array(outputs * 4)
  predictForest(forest, table, 4, into)
  expect(Array.from(into.subarray(0, 4))).toEqual([10 + 0 + 0.25, 10 + 1 + 0.25, 10 + 2 + 4 + 0.5, 10 + 1 + 2 + 8 + 0.25])
  expect(Array.from(into.subarray(4, 8))).toEqual([0, 2, 12, 22])
  expect(Array.from(into.subarray(8))).toEqual([-1, -2, -7, -12])
  expect(unpackForest(packForest(forest))).toEqual(forest)
})

test('the shipped forest asks for features that there are, and says what is finite and small', () => {
  const { features, leaves, thresholds, bases } = unpackForest(shippedText)
  expect(features.length).toBeGreaterThan(100)
  expect(leaves.length).toBe((features.length / depth) * outputs * 2 ** depth)
  expect(Math.max(...features)).toBeLessThan(featureNames.length)
  expect([...leaves, ...bases].every((number) => Math.abs(number) < 5)).toBe(true)
  expect(thresholds.every((threshold) => Math.abs(threshold) <= 24 * parts)).toBe(true)
})

test('features know the hour, the day and the week before, and how far what was is from what is forecast', () => {
  const past = Float64Array.from({ length: lookedAt }, (_, hour) => (hour % 24) + Math.floor(hour / 24))
  const local = emptyLocalForecast(25)
  local.low.fill(10 - 1.28155)
  local.median.fill(10)
  local.high.fill(10 + 1.28155)
  const table = new FeatureTable(25)
  table.fill(past, local)
  const at = (name: (typeof featureNames)[number], step: number): number => table.values[featureNames.indexOf(name) * 25 + step - 1]! / parts
  expect(at('step', 7)).toBe(7)
  expect(at('24 before', 1)).toBeCloseTo(13 - 10, 3)
  expect(at('24 before', 25)).toBeCloseTo(13 - 10, 3)
  expect(at('168 before', 5)).toBeCloseTo(4 + 7 - 10, 3)
  expect(at('mean 1', 3)).toBeCloseTo(20, 3)
  expect(at('least 24', 3)).toBeCloseTo(13 - 10, 3)
  expect(at('habit', 4)).toBeCloseTo(3 + 6.5 - 10, 3)
  expect(at('change of week', 1)).toBeCloseTo(7, 3)
  expect(at('change of day', 1)).toBeCloseTo(1, 3)
  expect(at('off 3', 1)).toBeCloseTo(6.5, 3)
  expect(table.values.every((value) => Math.abs(value) <= 25 * parts)).toBe(true)
})

test('a quarter of the shift that was learnt is believed, and half of the width in logarithms', () => {
  const values = history(1)
  const plain = forecastOf(values)
  const moved = forecastOf(values, says(1, 1))
  const wide = forecastOf(values, says(0, 4))
  for (const step of [1, 12, 24]) {
    const at = (one: typeof plain, level: number): number => quantile(one, step, level)
    const deviation = (at(plain, 0.9) - at(plain, 0.1)) / 2.5631
    expect(at(moved, 0.5) - at(plain, 0.5)).toBeCloseTo(deviation / 4)
    // Twice as wide by the root of the factor, which is at most two.
    expect((at(wide, 0.9) - at(wide, 0.5)) / (at(plain, 0.9) - at(plain, 0.5))).toBeCloseTo(Math.SQRT2)
    expect((at(wide, 0.5) - at(wide, 0.025)) / (at(plain, 0.5) - at(plain, 0.025))).toBeCloseTo(Math.SQRT2)
  }
})

test('whatever is learnt, quantiles are finite, do not fall, and stay near the local ones', () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(fc.tuple(number, number, number), fc.integer({ min: 1, max: 99 }), ([low, median, high], seed) => {
      const values = history(seed)
      const plain = forecastOf(values)
      const corrected = forecastOf(values, constant(low, median, high))
      corrected.values.forEach((row, step) => {
        const local = plain.values[step]!
        const deviation = (local[21]! - local[5]!) / 2.5631
        row.forEach((value, index) => {
          expect(Number.isFinite(value)).toBe(true)
          if (index > 0) expect(value).toBeGreaterThanOrEqual(row[index - 1]!)
          const farthest = deviation / 2 + (Math.SQRT2 - 1) * Math.abs(local[index]! - local[13]!)
          expect(Math.abs(value - local[index]!)).toBeLessThanOrEqual(farthest + 1e-6)
        })
      })
    }),
    { numRuns: 12 },
  )
})

test('with the shipped correction too, a + b y has the quantiles a + b q', () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0.01, max: 1000, noNaN: true }), fc.double({ min: -1e4, max: 1e4, noNaN: true }), (seed, b, a) => {
      const values = history(seed)
      const of = (some: Float64Array) => fitForecaster(regularSeries({ values: some, floor: -Infinity }), { horizon: 24 }).predict()
      const [plain, moved] = [of(values), of(values.map((value) => a + b * value))]
      for (const level of [0.05, 0.5, 0.95]) expect((quantile(moved, 12, level) - a) / b).toBeCloseTo(quantile(plain, 12, level), 3)
    }),
    { numRuns: 8 },
  )
})

test.each([
  ['a shorter history', history(1, 335), {}, {}],
  ['four weeks', history(1, 672), {}, {}],
  ['quarters of an hour', history(1), { stepMs: 900_000 }, { periods: [24] }],
  ['two days ahead', history(1), {}, { horizon: 48 }],
  ['a habit of eight hours', history(1), {}, { periods: [8] }],
  ['a model alone', history(1), {}, { members: [seasonalNaive(0)] }],
  ['a factor', history(1), {}, { factors: [{ name: 'f', kind: 'numeric', known: 'ahead', values: history(2, 360) }] }],
] as const)('of %s nothing was learnt, and it is forecast without', (_what, values, seriesOf, options) => {
  const series = regularSeries({ values, ...seriesOf })
  const plain = fitCorrected(series, { horizon: 24, ...options }, undefined)
  const shipped = fitForecaster(series, { horizon: 24, ...options })
  expect(shipped.predict()).toEqual(plain.predict())
})

test('as values come, what is told is corrected by what is known then, scored, and the same as of a forecaster that is as far', () => {
  const values = history(4, 340)
  const series = regularSeries({ values: values.slice(0, 336) })
  const one = fitForecaster(series, { horizon: 6 })
  const other = fitForecaster(series, { horizon: 6 })
  one.update(values.slice(336))
  for (let hour = 336; hour < 340; hour++) {
    other.predict()
    other.update(values.slice(hour, hour + 1))
  }
  expect(one.predict()).toEqual(other.predict())
  expect(one.assess(1)).toEqual(other.assess(1))
  expect(one.assess(1).score.count).toBe(4)
})

test('a constant series stays a constant', () => {
  const { values } = fitForecaster(regularSeries({ values: new Float64Array(336).fill(7) }), { horizon: 24, periods: [24] }).predict()
  for (const row of values) expect(row.every((value) => value === 7)).toBe(true)
})
