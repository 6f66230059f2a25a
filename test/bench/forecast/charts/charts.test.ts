import { fitForecaster, regularSeries } from '@understudy/forecast'
import { expect, test } from 'vitest'
import { fanChart } from './fan.ts'
import { roundAxis } from './plot.ts'
import { reliabilityChart } from './reliability.ts'

const isWhole = (svg: string): boolean => svg.startsWith('<svg ') && svg.trimEnd().endsWith('</svg>') && !/NaN|undefined|Infinity/.test(svg)

test('a fan has its axes, its unit and what it shows, gaps and constants included', () => {
  const values = Float64Array.from({ length: 100 }, (_, hour) => (hour === 40 ? NaN : 20 + (hour % 24)))
  const fan = (history: Float64Array): string => {
    const distribution = fitForecaster(regularSeries({ values: history }), { horizon: 12 }).predict()
    return fanChart('A & B', [{ title: 'one', unit: 'CPU in %', history, future: Float64Array.from({ length: 12 }, () => 30), distribution }])
  }
  const svg = fan(values)
  expect(isWhole(svg)).toBe(true)
  for (const label of ['A &amp; B', 'CPU in %', 'hours from the last known value', '−96', 'median', '95 %', 'what came'])
    expect(svg).toContain(`>${label}<`)
  expect(isWhole(fan(new Float64Array(100).fill(30)))).toBe(true)
})

test('a reliability diagram names its sources', () => {
  const svg = reliabilityChart(
    'All',
    new Map([
      ['first', [0.1, 0.5, 0.99]],
      ['second', [0.2]],
    ]),
  )
  expect(isWhole(svg)).toBe(true)
  for (const label of ['first', 'second', 'as promised', 'predicted level']) expect(svg).toContain(`>${label}<`)
})

test('an axis ends at round numbers that hold all values', () => {
  expect(roundAxis([3, 61], 4)).toEqual({ from: 0, to: 80, ticks: [0, 20, 40, 60, 80] })
  expect(roundAxis([5, 5], 4).from).toBeLessThanOrEqual(5)
  expect(roundAxis([-0.3, 0.2], 5).ticks).toContain(0)
})
