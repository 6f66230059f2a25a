import { describe, expect, test } from 'vitest'
import { ForecastError, perfectForesight, simulateSpot } from './index.ts'
import type { CapacityTrace, SpotPolicy } from './index.ts'

/** Two zones, ten ticks of 100 s; the first is lost at tick 4 for two ticks, the second never. */
const trace: CapacityTrace = {
  pools: [
    { type: 't', zone: 'r-1a', region: 'r-1' },
    { type: 't', zone: 's-1a', region: 's-1' },
  ],
  tickSeconds: 100,
  startSeconds: 0,
  up: Uint8Array.from([1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
}
const parameters = { coldStartSeconds: 150, warmSwitchSeconds: 10, onDemandStartSeconds: 50, noticeSeconds: 0, spotPriceRatio: 0.25 }
/** The first zone looks safer, so that it is chosen. */
const forecast = {
  risk: Float64Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 0.1 : 0.2)),
  joint: { downShare: [0.2, 0.2], correlation: [1, 0, 0, 1] },
}
const policy = (overrides: Partial<SpotPolicy>): SpotPolicy => ({
  pools: [0, 1],
  shadow: 'never',
  shadowPool: 'lowest-risk',
  hasFallback: false,
  ...overrides,
})
const play = (overrides: Partial<SpotPolicy>, changed: Partial<typeof parameters> = {}) =>
  simulateSpot(trace, { policy: policy(overrides), parameters: { ...parameters, ...changed }, forecast })

describe('simulateSpot', () => {
  test('without a shadow each loss costs a cold start, as does the beginning', () =>
    expect(play({})).toMatchObject({ availability: 0.7, costRatio: 0.25, longestOutageSeconds: 150 }))
  test('in one zone the loss lasts until the zone is back and started', () =>
    expect(play({ pools: [0] }).availability).toBeCloseTo(1 - (150 + 350) / 1000))
  test('a shadow in the same zone helps nothing and costs double', () => {
    const same = play({ pools: [0], shadow: 'always', shadowPool: 'same' })
    expect(same.availability).toBe(play({ pools: [0] }).availability)
    expect(same.costRatio).toBeGreaterThan(play({ pools: [0] }).costRatio)
  })
  test('a ready shadow elsewhere costs a warm switch, which is no outage', () => {
    const warm = play({ shadow: 'always' })
    expect(warm.availability).toBeCloseTo(1 - (150 + 10) / 1000)
    expect(warm.outagesPerDay).toBeCloseTo(86.4)
  })
  test('on-demand bridges a cold start', () => expect(play({ hasFallback: true }).availability).toBeCloseTo(1 - (50 + 50) / 1000))
  test('a notice starts the replacement earlier', () => expect(play({}, { noticeSeconds: 120 }).availability).toBeCloseTo(1 - (30 + 30) / 1000))
  test('knowing the future, a shadow is there for the loss alone', () => {
    const risk = perfectForesight(trace, 150)
    const oracle = simulateSpot(trace, { policy: policy({ shadow: 0.9 }), parameters, forecast: { ...forecast, risk } })
    expect(oracle.availability).toBeGreaterThanOrEqual(play({ shadow: 'always' }).availability)
    expect(oracle.costRatio).toBeLessThan(play({ shadow: 'always' }).costRatio)
  })
  test('refuses what it cannot play, by name', () => {
    expect(() => play({ pools: [] })).toThrow(ForecastError)
    expect(() => play({}, { coldStartSeconds: Number.NaN })).toThrow('parameters.coldStartSeconds')
  })
})
