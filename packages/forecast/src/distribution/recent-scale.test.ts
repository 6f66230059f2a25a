import { expect, test } from 'vitest'
import { RecentScale } from './recent-scale.ts'

const hours = (count: number, size: number): Float64Array => Float64Array.from({ length: count }, (_, hour) => (hour % 2 === 0 ? size : -size))

test('errors that go twice as far as usual for half a day widen what follows by the root of it, less what chance may be, and are forgotten', () => {
  const scale = new RecentScale(hours(168, 1))
  expect(scale.now()).toBeCloseTo(1)
  for (const error of hours(12, 2)) scale.add(error)
  const mean = (168 - 12 + 12 * 2) / 168
  expect(scale.now()).toBeCloseTo(Math.sqrt((12 * 2 + 6 * mean) / 18 / mean))
  for (const error of hours(12, 1)) scale.add(error)
  expect(scale.now()).toBeLessThan(1)
})

test('it stays between the roots of a half and of two, whatever comes', () => {
  const scale = new RecentScale(hours(168, 1))
  for (const error of hours(12, 1e9)) scale.add(error)
  expect(scale.now()).toBe(Math.SQRT2)
  for (const error of hours(12, 0)) scale.add(error)
  expect(scale.now()).toBe(Math.SQRT1_2)
})

test('gaps and a past without errors say nothing', () => {
  expect(new RecentScale(new Float64Array()).now()).toBe(1)
  expect(new RecentScale(new Float64Array(168)).now()).toBe(1)
  const past = hours(168, 1).fill(NaN, 100, 120)
  expect(new RecentScale(past).before(past, 120)).toBe(1)
})

test('of a past it says what was known before each error, and that of the whole past is usual', () => {
  const past = hours(168, 1).fill(4, 84, 96)
  const scale = new RecentScale(past)
  expect(scale.before(past, 84)).toBeLessThan(1)
  expect(scale.before(past, 96)).toBe(Math.SQRT2)
  expect(scale.before(past, 168)).toBe(scale.now())
})
