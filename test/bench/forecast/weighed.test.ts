import { expect, test } from 'vitest'
import { seriesAlike, weighedGeometricMean, weighedMean } from './weighed.ts'

test('a series that has more origins counts no more than another', () => {
  const among = [
    { task: { id: 'long' }, value: 4 },
    { task: { id: 'long' }, value: 4 },
    { task: { id: 'long' }, value: 4 },
    { task: { id: 'short' }, value: 1 },
  ]
  const weightOf = seriesAlike(among)
  const weighed = among.map((one) => ({ value: one.value, weight: weightOf(one) }))
  expect(weighedMean(weighed)).toBeCloseTo(2.5)
  expect(weighedGeometricMean(weighed)).toBeCloseTo(2)
})

test('ratios of nothing and to nothing are left out of a geometric mean', () => {
  expect(weighedGeometricMean([0, Infinity, 2, 8].map((value) => ({ value, weight: 1 })))).toBeCloseTo(4)
})
