import { seededRandom } from '@understudy/core'
import { describe, expect, test } from 'vitest'
import { retryDelayMs } from './retry-schedule.ts'

const hourMs = 3_600_000

describe('the retries of a delivery', () => {
  test('are ten attempts within about 75 hours, whatever the dice', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed)
      let totalMs = 0
      let attempts = 1
      for (; ; attempts++) {
        const delayMs = retryDelayMs(attempts, random)
        if (delayMs === undefined) break
        totalMs += delayMs
      }
      expect(attempts).toBe(10)
      expect(totalMs / hourMs).toBeGreaterThan(67)
      expect(totalMs / hourMs).toBeLessThan(84)
    }
  })
  test('are spread', () => {
    const random = seededRandom(1)
    expect(new Set(Array.from({ length: 20 }, () => retryDelayMs(3, random))).size).toBeGreaterThan(15)
  })
  test('come no sooner than the endpoint asks for, up to a day', () => {
    expect(retryDelayMs(1, seededRandom(1), 600_000)).toBe(600_000)
    expect(retryDelayMs(1, seededRandom(1), 365 * 24 * hourMs)).toBe(24 * hourMs)
    expect(retryDelayMs(9, seededRandom(1), 1000)).toBeGreaterThan(20 * hourMs)
    expect(retryDelayMs(10, seededRandom(1), 1000)).toBeUndefined()
  })
})
