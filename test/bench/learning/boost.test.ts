import { seededRandom } from '@understudy/core'
import { packForest, parts, predictForest } from '@understudy/forecast/learned'
import { expect, test } from 'vitest'
import { binned, boostQuantile } from './boost.ts'

const rows = 4800
const random = seededRandom(2)
const columns = Array.from({ length: 3 }, () => Int32Array.from({ length: rows }, () => parts * (random.next() - 0.5)))
/** A step of 3 at 0 in the second column, and noise that is uniform and twice as wide where the first is above 0. */
const targets = Float64Array.from(
  { length: rows },
  (_, row) => (columns[1]![row]! > 0 ? 3 : 0) + (columns[0]![row]! > 0 ? 2 : 1) * (random.next() - 0.5),
)
const weights = new Float64Array(rows).fill(1)
const boosting = { trees: 60, rate: 0.15 }
const learn = (level: number, seed = 1) => boostQuantile(binned(columns), targets, weights, level, { ...boosting, random: seededRandom(seed) })

test.each([
  [0.1, [-0.4, -0.8, 2.6, 2.2]],
  [0.5, [0, 0, 3, 3]],
  [0.9, [0.4, 0.8, 3.4, 3.8]],
])('the %s quantile is learnt where it depends on two features of three', (level, expected) => {
  // Feature by feature, of four rows.
  const table = Int32Array.from([-0.25, 0.25, -0.25, 0.25, -0.25, -0.25, 0.25, 0.25, 0.1, -0.1, 0.1, -0.1], (value) => parts * value)
  const into = new Float64Array(4)
  predictForest(learn(level), table, 4, into)
  into.forEach((value, row) => expect(Math.abs(value - expected[row]!)).toBeLessThan(0.25))
})

test('as many outcomes are below what was learnt as the level says', () => {
  const table = Int32Array.from(columns.flatMap((column) => [...column]))
  const into = new Float64Array(rows)
  predictForest(learn(0.9), table, rows, into)
  const below = targets.filter((target, row) => target <= into[row]!).length / rows
  expect(below).toBeGreaterThan(0.87)
  expect(below).toBeLessThan(0.93)
})

test('the same rows and seed give the same forest', () => {
  expect(packForest(learn(0.5))).toBe(packForest(learn(0.5)))
  expect(packForest(learn(0.5, 2))).not.toBe(packForest(learn(0.5)))
})

test('what weighs nothing teaches nothing', () => {
  const isFirst = weights.map((_, row) => (row < rows / 2 ? 1 : 0))
  const changed = targets.map((target, row) => (row < rows / 2 ? target : target + 100))
  const of = (some: Float64Array) => boostQuantile(binned(columns), some, isFirst, 0.5, { ...boosting, random: seededRandom(1) })
  const [one, other] = [of(targets), of(changed)].map((forest) => {
    const into = new Float64Array(1)
    predictForest(forest, new Int32Array(3).fill(parts / 5), 1, into)
    return into[0]!
  })
  expect(other).toBeCloseTo(one!, 3)
})
