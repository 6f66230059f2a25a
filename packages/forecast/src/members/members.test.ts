import { seededRandom } from '@understudy/core'
import { expect, test } from 'vitest'
import { scaleOf } from '../series/scale.ts'
import { dailyDemand } from '../testing-series.ts'
import { analogues } from './analogues.ts'
import { allMembers } from './index.ts'
import { recentMedian } from './recent-median.ts'

const noise = 4
const raw = dailyDemand(seededRandom(9), 840, noise)
const { centre, unit } = scaleOf(raw)
const values = raw.map((value) => (value - centre) / unit)
const plan = { periods: [24, 168], horizon: 24 }
/** Mean absolute deviation of the noise itself: what the best forecast would have. */
const attainable = (noise * Math.sqrt(2 / Math.PI)) / unit

/** A level alone knows nothing of the hour; a test of its own says what it is there for. */
const withHabits = allMembers.filter(({ name }) => !name.startsWith('recent-median'))

test.each(withHabits)('$name fits five weeks of a daily wave, and its forecasts are at most as far off as naive ones', (member) => {
  const model = member.fit(values.subarray(0, 720), plan)
  const into = new Float64Array(24)
  let sum = 0
  for (let origin = 720; origin < 816; origin++) {
    model?.predict(into)
    for (let step = 0; step < 24; step++) sum += Math.abs(into[step]! - values[origin + step]!)
    model?.update(values[origin]!)
  }
  const error = sum / (96 * 24)
  // A naive forecast has its own noise and that of the value it repeats.
  const allowed = member.name.startsWith('seasonal-naive') ? 1.15 * Math.SQRT2 : 1.3
  expect(error / attainable).toBeGreaterThan(0.85)
  expect(error / attainable).toBeLessThan(allowed)
})

test.each(allMembers)('$name moved on point by point says what the points until then imply, whatever comes later', (member) => {
  const changed = Float64Array.from(values)
  changed.fill(50, 760)
  const forecasts = [values, changed].map((known) => {
    const model = member.fit(known.subarray(0, 720), plan)
    for (let index = 720; index < 760; index++) model?.update(known[index]!)
    const into = new Float64Array(24)
    model?.predict(into)
    return into
  })
  expect(forecasts[0]).toEqual(forecasts[1])
})

test('analogues foretell the rest of a course that was there before, at whatever level it is now', () => {
  // Every fifth day is another one from its sixth hour on; a profile of the hours of the day cannot know when.
  const course = (hour: number): number => Math.sin((2 * Math.PI * hour) / 24) + (Math.floor(hour / 24) % 5 === 3 && hour % 24 >= 6 ? 3 : 0)
  const known = Float64Array.from({ length: 18 * 24 + 12 }, (_, hour) => course(hour) + (hour >= 17 * 24 ? 0.5 : 0))
  const into = new Float64Array(6)
  analogues.fit(known, { periods: [24], horizon: 6 })!.predict(into)
  into.forEach((value, step) => expect(Math.abs(value - course(18 * 24 + 12 + step) - 0.5)).toBeLessThan(0.5))
})

test('a recent median is at a new level after half of its part of a cycle, and no spike moves it', () => {
  const model = recentMedian(4).fit(new Float64Array(100), { periods: [24], horizon: 2 })!
  const into = new Float64Array(2)
  const after = (...next: readonly number[]): number => {
    for (const value of next) model.update(value)
    model.predict(into)
    expect(into[1]).toBe(into[0])
    return into[0]!
  }
  expect(after(1e6, 0, 0, 0, 0, 0)).toBe(0)
  expect(after(8, 8)).toBe(0)
  expect(after(8, 8)).toBe(8)
})
