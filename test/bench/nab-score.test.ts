import { expect, test } from 'vitest'
import { normalised, probation, rawScore } from './nab-score.ts'
import type { LabelledSeries } from './nab-score.ts'

const series: LabelledSeries = {
  values: new Float64Array(1000),
  windows: [
    [300, 399],
    [600, 699],
  ],
}

test('nothing reported is 0, every window at its first point 100', () => {
  expect(normalised(rawScore(series, []), [series])).toBe(0)
  expect(normalised(rawScore(series, [300, 600]), [series])).toBeCloseTo(100)
})

test('a window is worth less the later it is found, and only its first report counts', () => {
  const scores = [300, 350, 399].map((at) => rawScore(series, [at, 600]))
  expect(scores).toEqual(scores.toSorted((a, b) => b - a))
  // Halfway, σ(−0.5) / σ(−1) = tanh(1.25) / tanh(2.5); at the last point tanh(0.025) / tanh(2.5).
  expect(scores[1]).toBeCloseTo(1 + Math.tanh(1.25) / Math.tanh(2.5))
  expect(scores[2]).toBeCloseTo(1 + Math.tanh(0.025) / Math.tanh(2.5))
  expect(rawScore(series, [300, 310, 390, 600])).toBeCloseTo(2)
})

test('a report outside costs 0.11 far from any window, and less shortly after one', () => {
  const cost = (at: number): number =>
    2 -
    rawScore(
      series,
      [300, 600, at].toSorted((a, b) => a - b),
    )
  expect(cost(200)).toBeCloseTo(0.11)
  expect(cost(999)).toBeCloseTo(0.11)
  // A tenth of the window behind its end: −σ(0.1) = tanh(0.25).
  expect(cost(409)).toBeCloseTo(0.11 * Math.tanh((2.5 * 10) / 99))
})

test('the beginning is not scored: 15 %, of at most 5,000 points', () => {
  expect(probation(1000)).toBe(150)
  expect(probation(20_000)).toBe(750)
  expect(rawScore(series, [10, 149, 300, 600])).toBeCloseTo(2)
  const early: LabelledSeries = { ...series, windows: [[20, 100], ...series.windows] }
  expect(normalised(rawScore(early, [300, 600]), [early])).toBeCloseTo(100)
})

test('series are scored by all their windows together', () => {
  expect(normalised(rawScore(series, [300, 600]) + rawScore(series, []), [series, series])).toBeCloseTo(50)
})
