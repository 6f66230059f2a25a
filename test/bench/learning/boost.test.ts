import { seededRandom } from '@understudy/core'
import { outputs, packForest, parts, predictForest } from '@understudy/forecast/learned'
import { expect, test } from 'vitest'
import { binned, boostQuantiles } from './boost.ts'

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
const levels = [0.1, 0.5, 0.9]
const learn = (seed = 1) => boostQuantiles(binned(columns), targets, weights, levels, { ...boosting, random: seededRandom(seed) })

test('quantiles are learnt where they depend on two features of three', () => {
  // Feature by feature, of four rows.
  const table = Int32Array.from([-0.25, 0.25, -0.25, 0.25, -0.25, -0.25, 0.25, 0.25, 0.1, -0.1, 0.1, -0.1], (value) => parts * value)
  const into = new Float64Array(outputs * 4)
  predictForest(learn(), table, 4, into)
  const expected = [-0.4, -0.8, 2.6, 2.2, 0, 0, 3, 3, 0.4, 0.8, 3.4, 3.8]
  into.forEach((value, at) => expect(Math.abs(value - expected[at]!)).toBeLessThan(0.25))
})

test.each(levels)('as many outcomes are below what was learnt as the level %s says', (level) => {
  const table = Int32Array.from(columns.flatMap((column) => [...column]))
  const into = new Float64Array(outputs * rows)
  predictForest(learn(), table, rows, into)
  const first = levels.indexOf(level) * rows
  const below = targets.filter((target, row) => target <= into[first + row]!).length / rows
  expect(Math.abs(below - level)).toBeLessThan(0.03)
})

test('the same rows and seed give the same forest', () => {
  expect(packForest(learn())).toBe(packForest(learn()))
  expect(packForest(learn(2))).not.toBe(packForest(learn()))
})

test('what weighs nothing teaches nothing', () => {
  const isFirst = weights.map((_, row) => (row < rows / 2 ? 1 : 0))
  const changed = targets.map((target, row) => (row < rows / 2 ? target : target + 100))
  const of = (some: Float64Array) => boostQuantiles(binned(columns), some, isFirst, levels, { ...boosting, random: seededRandom(1) })
  const [one, other] = [of(targets), of(changed)].map((forest) => {
    const into = new Float64Array(outputs)
    predictForest(forest, new Int32Array(3).fill(parts / 5), 1, into)
    return into
  })
  other!.forEach((value, output) => expect(value).toBeCloseTo(one![output]!, 3))
})
