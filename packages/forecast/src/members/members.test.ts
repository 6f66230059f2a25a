import { seededRandom } from '@understudy/core'
import { expect, test } from 'vitest'
import { scaleOf } from '../series/scale.ts'
import { dailyDemand } from '../testing-series.ts'
import { allMembers } from './index.ts'

const noise = 4
const raw = dailyDemand(seededRandom(9), 840, noise)
const { centre, unit } = scaleOf(raw)
const values = raw.map((value) => (value - centre) / unit)
const plan = { periods: [24, 168], horizon: 24 }
/** Mean absolute deviation of the noise itself: what the best forecast would have. */
const attainable = (noise * Math.sqrt(2 / Math.PI)) / unit

test.each(allMembers)('$name fits five weeks of a daily wave, and its forecasts are at most as far off as naive ones', (member) => {
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
