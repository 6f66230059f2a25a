import { seededRandom } from '@understudy/core'
import { expect, test } from 'vitest'
import { gridLevels, levelOf } from '../distribution/distribution.ts'
import { gaussian } from '../testing-series.ts'
import { crps } from './crps.ts'
import { dieboldMariano } from './diebold-mariano.ts'
import { Scorecard, verdictOf } from './scorecard.ts'
import { intervalScore, maseScale, meanAbsoluteError, pinball, quantileLoss, scoredLevels, smape } from './scores.ts'

test('point scores of a worked example', () => {
  expect(maseScale(Float64Array.of(1, 2, 4, NaN, 7), 2)).toBe(3)
  expect(meanAbsoluteError(Float64Array.of(1, 3), Float64Array.of(2, 1))).toBe(1.5)
  expect(smape(Float64Array.of(1, 0), Float64Array.of(3, 0))).toBe(50)
  expect(pinball(10, 8, 0.9)).toBeCloseTo(1.8)
  expect(pinball(8, 10, 0.9)).toBeCloseTo(0.2)
  expect(intervalScore(Float64Array.of(5, 12), Float64Array.of(0, 0), Float64Array.of(10, 10), 0.05)).toBe(50)
})

test('the loss of a point distribution is half its absolute error, and its CRPS the absolute error', () => {
  const row = Float64Array.from(scoredLevels, () => 3)
  expect(quantileLoss(Float64Array.of(5), [row])).toBeCloseTo(1)
  const distribution = { levels: gridLevels, values: [gridLevels.map(() => 3)] }
  expect(crps(distribution, 1, 5)).toBeCloseTo(2, 2)
})

test('CRPS of a uniform distribution on [0, 1] is x² - x + 1/3', () => {
  const distribution = { levels: gridLevels, values: [Float64Array.from(gridLevels)] }
  for (const x of [0.1, 0.5, 0.8]) expect(crps(distribution, 1, x)).toBeCloseTo(x * x - x + 1 / 3, 2)
  expect(levelOf(distribution, 1, 0.33)).toBeCloseTo(0.33)
})

test('Diebold–Mariano finds a real lead, and none between equals', () => {
  const random = seededRandom(4)
  const worse = Float64Array.from({ length: 400 }, () => 1.3 + 0.5 * gaussian(random))
  const better = Float64Array.from({ length: 400 }, () => 1 + 0.5 * gaussian(random))
  expect(dieboldMariano(better, worse, 6).p).toBeLessThan(0.001)
  expect(dieboldMariano(worse, better, 6).p).toBeGreaterThan(0.999)
  let found = 0
  for (let trial = 0; trial < 200; trial++) {
    const one = Float64Array.from({ length: 200 }, () => gaussian(random))
    const other = Float64Array.from({ length: 200 }, () => gaussian(random))
    if (dieboldMariano(one, other, 1).p < 0.1) found++
  }
  expect(found / 200).toBeGreaterThan(0.04)
  expect(found / 200).toBeLessThan(0.16)
})

test('a scorecard keeps the newest outcomes, counts coverage and tenths, and is silent where naive is better', () => {
  const card = new Scorecard(1, 100)
  for (let index = 0; index < 150; index++) {
    card.add({ actual: 10, forecast: index < 50 ? 10 : 12, naive: 11, level: (index % 100) / 100 + 0.005, crps: index < 50 ? 9 : 1.5 })
  }
  const score = card.score()
  expect(score).toMatchObject({ count: 100, mae: 2, ratio: 2, crps: 1.5, coverage80: 0.8 })
  expect(score.pit.every((share) => Math.abs(share - 0.1) < 0.011)).toBe(true)
  expect(verdictOf(score).verdict).toBe('silent')
})

test('a scorecard says the same however long it has run', () => {
  const random = seededRandom(9)
  const outcomes = Array.from({ length: 1000 }, () => ({
    actual: gaussian(random) * 1e6,
    forecast: 0,
    naive: gaussian(random),
    level: random.next(),
    crps: random.next(),
  }))
  const [long, short] = [new Scorecard(3, 70), new Scorecard(3, 70)]
  for (const outcome of outcomes) long.add(outcome)
  for (const outcome of outcomes.slice(-70)) short.add(outcome)
  const [one, other] = [long.score(), short.score()]
  expect(one.mae).toBeCloseTo(other.mae, 4)
  expect(one.crps).toBeCloseTo(other.crps, 9)
  expect({ ...one, mae: 0, ratio: 0, crps: 0 }).toEqual({ ...other, mae: 0, ratio: 0, crps: 0 })
  expect(one.pit.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1)
})

test('a lead within chance, or intervals that do not hold, may advise and not act', () => {
  const score = { count: 200, mae: 1, ratio: 0.8, crps: 0.7, coverage80: 0.8, coverage95: 0.95, pit: [], p: 0.001 }
  expect(verdictOf(score).verdict).toBe('act')
  expect(verdictOf({ ...score, p: 0.4 }).verdict).toBe('advise')
  expect(verdictOf({ ...score, coverage80: 0.5 })).toEqual({ verdict: 'advise', reasons: ['the 80 % interval held 50 % of outcomes'] })
  expect(verdictOf({ ...score, count: 10 }).verdict).toBe('silent')
})
