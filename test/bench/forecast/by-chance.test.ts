import { seededRandom } from '@understudy/core'
import { expect, test } from 'vitest'
import { intervalByDrawing } from './by-chance.ts'

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

test('the interval of a mean is as wide as its standard error says, and holds the truth as often as it claims', () => {
  const random = seededRandom(3)
  let held = 0
  for (let trial = 0; trial < 60; trial++) {
    const [low, high] = intervalByDrawing(
      Array.from({ length: 100 }, () => random.next()),
      mean,
    )
    // Uniform numbers have a standard deviation of 0.289.
    expect((high - low) / (2 * 1.96 * 0.0289)).toBeGreaterThan(0.7)
    expect((high - low) / (2 * 1.96 * 0.0289)).toBeLessThan(1.3)
    if (low <= 0.5 && high >= 0.5) held++
  }
  expect(held).toBeGreaterThan(50)
})

test('one case leaves no room', () => {
  expect(intervalByDrawing([7], mean)).toEqual([7, 7])
})
