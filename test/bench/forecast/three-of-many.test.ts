import { seededRandom } from '@understudy/core'
import { expect, test } from 'vitest'
import { shareWithin } from './three-of-many.ts'

const tasksOf = (ids: number, coverage80: () => number) =>
  Array.from({ length: 40 * ids }, (_, index) => ({ id: `${index % ids}`, coverage80: coverage80(), coverage95: 0.95 }))

test('what always holds its level is within in each draw, and what never does in none', () => {
  expect(shareWithin(tasksOf(2, () => 0.82))).toBe(1)
  expect(shareWithin(tasksOf(2, () => 0.7))).toBe(0)
})

test('days that hold all or nothing are seldom within with three of two series, however right they are in the mean, and more often with three of many', () => {
  const random = seededRandom(5)
  const day = () => (random.next() < 0.8 ? 1 : 0)
  const [few, many] = [shareWithin(tasksOf(2, day)), shareWithin(tasksOf(60, day))]
  expect(few).toBeLessThan(0.6)
  expect(many).toBeGreaterThan(0.85)
})
