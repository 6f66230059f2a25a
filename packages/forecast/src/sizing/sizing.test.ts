import { seededRandom } from '@understudy/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AccuracyTracker, AdaptiveLevel, correctForAccuracy, demandAt, ForecastError, settleSize, sizePool, tierBands } from './index.ts'
import type { DemandQuantiles, ReadinessTier } from './index.ts'

/** Uniform from 0 to 100. */
const uniform: DemandQuantiles = {
  levels: Float64Array.from({ length: 99 }, (_, i) => (i + 1) / 100),
  values: Float64Array.from({ length: 99 }, (_, i) => i + 1),
}
const hot: ReadinessTier = { name: 'hot', leadSeconds: 0, idleCostPerHour: 1 }
const warm: ReadinessTier = { name: 'warm', leadSeconds: 120, idleCostPerHour: 0.4 }
const parked: ReadinessTier = { name: 'parked', leadSeconds: 600, idleCostPerHour: 0.1 }
const costs = { missingCostPerHour: 39, periodSeconds: 3600 }

const demands: fc.Arbitrary<DemandQuantiles> = fc
  .array(fc.double({ min: 0, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 20 })
  .map((values) => ({ levels: Float64Array.from(values, (_, i) => (i + 1) / (values.length + 1)), values: Float64Array.from(values).sort() }))

describe('the newsvendor', () => {
  test('holds the quantile 1 − c_idle / (c_idle + c_missing) of one tier that is ready at once', () => {
    const { choice, wantedShortage } = sizePool({ demand: uniform, tiers: [hot], costs })
    expect(wantedShortage).toBeCloseTo(0.025)
    expect(choice.units['hot']).toBe(98)
    expect(choice.riskOfShortage).toBeCloseTo(0.02, 1)
  })
  test('holds colder tiers for what is less likely needed', () => {
    const bands = tierBands([parked, hot, warm], costs)
    expect(bands.map((band) => band.tier.name)).toEqual(['hot', 'warm', 'parked'])
    bands.forEach((band, i) => expect(band.toProbability).toBe(i === 0 ? 1 : bands[i - 1]?.fromProbability))
  })
  test('leaves out a tier that is never the cheapest', () => {
    const dear = { name: 'dear', leadSeconds: 300, idleCostPerHour: 0.99 }
    expect(tierBands([hot, dear, parked], costs).map((band) => band.tier.name)).toEqual(['hot', 'parked'])
  })
  test('no other size is cheaper, whatever the demand', () => {
    fc.assert(
      fc.property(demands, fc.double({ min: 0.01, max: 100, noNaN: true }), (demand, missingCostPerHour) => {
        const answer = sizePool({ demand, tiers: [hot, warm, parked], costs: { missingCostPerHour, periodSeconds: 3600 }, allowsFractions: true })
        const cheapest = answer.alternatives[0]?.expectedCostPerHour ?? 0
        // Costs are means over 400 points of the distribution, hence the slack.
        expect(answer.choice.expectedCostPerHour).toBeLessThanOrEqual(cheapest * 1.02 + 1e-6)
        for (const value of Object.values(answer.choice.units)) expect(value).toBeGreaterThanOrEqual(0)
      }),
    )
  })
  test('twice the demand is twice the pool', () => {
    fc.assert(
      fc.property(demands, (demand) => {
        const size = (factor: number) =>
          sizePool({ demand: { ...demand, values: demand.values.map((v) => v * factor) }, tiers: [hot], costs, allowsFractions: true }).choice
            .totalUnits
        expect(size(2)).toBeCloseTo(2 * size(1), 5)
      }),
    )
  })
  test('costs and risks of alternatives are told: nothing held risks most, and idles nothing', () => {
    const { alternatives } = sizePool({ demand: uniform, tiers: [hot, parked], costs, current: { hot: 50 } })
    const nothing = alternatives.find((one) => one.name === 'nothing held')
    expect(nothing).toMatchObject({ expectedIdleCostPerHour: 0, totalUnits: 0 })
    expect(nothing?.riskOfShortage).toBeGreaterThan(0.99)
    expect(nothing?.expectedMissingCostPerHour).toBeCloseTo(50 * 39, -1)
    expect(alternatives.find((one) => one.name === 'as it is')?.riskOfShortage).toBeCloseTo(0.5, 2)
  })
})

describe('quantiles of demand', () => {
  test('never fall as the level rises, and are never below 0', () => {
    fc.assert(
      fc.property(
        demands,
        fc.double({ min: 0.0001, max: 0.9999, noNaN: true }),
        fc.double({ min: 0.0001, max: 0.9999, noNaN: true }),
        (demand, a, b) => {
          const [low, high] = [demandAt(demand, Math.min(a, b)), demandAt(demand, Math.max(a, b))]
          expect(low).toBeGreaterThanOrEqual(0)
          expect(high).toBeGreaterThanOrEqual(low - 1e-9)
        },
      ),
    )
  })
})

describe('measured accuracy', () => {
  test('widens after too many shortages, narrows after too few, and leaves a true distribution alone', () => {
    expect(correctForAccuracy(0.025, { nominal: 0.1, exceeded: 40, count: 200 })).toBeLessThan(0.02)
    expect(correctForAccuracy(0.025, { nominal: 0.1, exceeded: 5, count: 200 })).toBeGreaterThan(0.03)
    expect(correctForAccuracy(0.025, { nominal: 0.1, exceeded: 20, count: 200 })).toBeCloseTo(0.025)
    expect(correctForAccuracy(0.025, { nominal: 0.1, exceeded: 1, count: 1 })).toBeGreaterThan(0.015)
  })
  test('decisions that overlap count as one, and old ones fade', () => {
    const tracker = new AccuracyTracker({ nominal: 0.1, lead: 6, memory: 100 })
    for (let i = 0; i < 60; i++) tracker.update(i % 2 === 0)
    const early = tracker.measured()
    expect(early.count).toBeLessThan(10)
    expect(early.exceeded / early.count).toBeCloseTo(0.5, 1)
    for (let i = 0; i < 1000; i++) tracker.update(false)
    expect(tracker.measured().exceeded).toBeLessThan(0.01)
    expect(correctForAccuracy(0.025, tracker.measured())).toBeGreaterThan(0.025)
  })
  test('adaptive control meets the wanted frequency although the distribution is too narrow', () => {
    const random = seededRandom(5)
    const level = new AdaptiveLevel(0.025)
    let misses = 0
    const rounds = 20_000
    for (let i = 0; i < rounds; i++) {
      // The distribution says uniform on 0–1; the truth is uniform on 0–1.02.
      const isMissed = random.next() * 1.02 > 1 - level.probability + 0.01
      misses += isMissed ? 1 : 0
      level.update(isMissed)
    }
    expect(misses / rounds).toBeGreaterThan(0.02)
    expect(misses / rounds).toBeLessThan(0.03)
  })
})

describe('scale-in', () => {
  const rules = { recentTargets: [], deadband: 0.1, largestStep: 0.5 }
  test('grows at once', () => expect(settleSize(10, 25, rules).units).toBe(25))
  test('keeps what was needed a short while ago', () => expect(settleSize(10, 2, { ...rules, recentTargets: [9, 12, 3] }).units).toBe(10))
  test('ignores small differences', () => expect(settleSize(10, 9, rules).units).toBe(10))
  test('gives up in steps', () => expect(settleSize(10, 1, rules).units).toBe(5))
  test('reaches any lower target in the end', () => {
    let units = 100
    for (let i = 0; i < 60; i++) units = settleSize(units, 0, { ...rules, largestStep: 0.2 }).units
    expect(units).toBe(0)
  })
  test('parts of units are given up in shares, and never more than is there', () => {
    expect(settleSize(0.5, 0.1, { ...rules, allowsFractions: true }).units).toBe(0.25)
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.boolean(),
        (current, target, allowsFractions) => {
          const { units } = settleSize(current, target, { ...rules, allowsFractions })
          expect(units).toBeGreaterThanOrEqual(Math.min(current, target))
          expect(units).toBeLessThanOrEqual(Math.max(current, target))
        },
      ),
    )
  })
  test('a target that swings within the waiting time moves nothing', () => {
    let units = 20
    for (let i = 0; i < 20; i++) units = settleSize(units, i % 2 === 0 ? 10 : 20, { ...rules, recentTargets: [10, 20] }).units
    expect(units).toBe(20)
  })
})

describe('what cannot be sized names its argument', () => {
  test.each([
    ['demand.values[1]', { demand: { levels: Float64Array.of(0.1, 0.9), values: Float64Array.of(1, Number.NaN) } }],
    ['demand.levels', { demand: { levels: new Float64Array(), values: new Float64Array() } }],
    ['demand.levels[1]', { demand: { levels: Float64Array.of(0.9, 0.1), values: Float64Array.of(1, 2) } }],
    ['tiers', { tiers: [] }],
    ['costs.missingCostPerHour', { costs: { missingCostPerHour: Number.POSITIVE_INFINITY, periodSeconds: 1 } }],
    ['costs.periodSeconds', { costs: { missingCostPerHour: 1, periodSeconds: 0 } }],
    ['current.cold', { current: { cold: 1 } }],
    ['accuracy.exceeded', { accuracy: { nominal: 0.1, exceeded: 3, count: 2 } }],
  ])('%s', (argument, wrong) => {
    try {
      sizePool({ demand: uniform, tiers: [hot], costs, ...wrong })
    } catch (error) {
      expect(error).toBeInstanceOf(ForecastError)
      expect((error as ForecastError).argument).toBe(argument)
      return
    }
    expect.unreachable()
  })
})
