import { seededRandom } from '@understudy/core'
import type { Random } from '@understudy/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AccuracyTracker,
  AdaptiveLevel,
  correctForAccuracy,
  demandAt,
  exceedanceOf,
  ForecastError,
  RealisedLevels,
  RealisedLevelsGroup,
  settleSize,
  sizePool,
  tierBands,
} from './index.ts'
import type { DemandQuantiles, ReadinessTier, Recalibration } from './index.ts'

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

test('what a value is exceeded with is the inverse of the quantile', () => {
  fc.assert(
    fc.property(demands, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (demand, level) => {
      const value = demandAt(demand, level)
      const back = demandAt(demand, 1 - exceedanceOf(demand, value))
      expect(back).toBeCloseTo(value, 3)
    }),
  )
  expect(exceedanceOf(uniform, 97.5)).toBeCloseTo(0.025)
  expect(exceedanceOf({ levels: Float64Array.of(0.2, 0.4, 0.8), values: Float64Array.of(5, 7, 7) }, 7)).toBeCloseTo(0.4)
})

describe('realised levels', () => {
  /** The truth is uniform on 0–1; told is uniform on 0–`width`. */
  const exceedance = (random: Random, width: number): number => Math.max(0, 1 - random.next() / width)
  const shortageOf = (levels: Recalibration, wanted: number, width: number): number => 1 - Math.min(1, width * (1 - levels.ask(wanted)))

  test('without outcomes, and of true distributions, what is wanted is asked for', () => {
    const random = seededRandom(1)
    const levels = new RealisedLevels({ memory: 5000 })
    for (const wanted of [0, 1e-5, 0.025, 0.3, 1]) expect(levels.ask(wanted)).toBeCloseTo(wanted)
    for (let index = 0; index < 5000; index++) levels.update(random.next())
    for (const wanted of [0.025, 0.1, 0.5]) expect(levels.ask(wanted) / wanted).toBeCloseTo(1, 0)
  })
  test('of distributions that are too narrow less is asked for, until the wanted share is short', () => {
    const random = seededRandom(2)
    const levels = new RealisedLevels({ memory: 2000 })
    expect(shortageOf(levels, 0.1, 0.95)).toBeGreaterThan(0.14)
    for (let index = 0; index < 2000; index++) levels.update(exceedance(random, 0.95))
    expect(shortageOf(levels, 0.1, 0.95)).toBeLessThan(0.12)
    expect(shortageOf(levels, 0.1, 0.95)).toBeGreaterThan(0.08)
  })
  test('a series without outcomes of its own follows its group, and one that differs leaves it', () => {
    const random = seededRandom(3)
    const group = new RealisedLevelsGroup()
    const others = Array.from({ length: 8 }, () => new RealisedLevels({ group, lead: 6 }))
    const [young, differing] = [new RealisedLevels({ group, lead: 6 }), new RealisedLevels({ group, lead: 1 })]
    for (let index = 0; index < 336; index++) {
      for (const one of others) one.update(exceedance(random, 0.9))
      differing.update(random.next())
    }
    expect(young.ask(0.15)).toBeLessThan(0.08)
    expect(differing.ask(0.15)).toBeGreaterThan(young.ask(0.15) + 0.02)
  })
  test('the less is wanted, the less is asked for; old outcomes are forgotten', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 }), (outcomes) => {
        const [levels, fresh] = [new RealisedLevels({ memory: 10 }), new RealisedLevels({ memory: 10 })]
        for (const one of outcomes) levels.update(one)
        for (const one of outcomes.slice(-10)) fresh.update(one)
        const asked = [0.001, 0.01, 0.025, 0.2, 0.9].map((wanted) => levels.ask(wanted))
        expect(asked.toSorted((a, b) => a - b)).toEqual(asked)
        expect(asked[2]).toBeCloseTo(fresh.ask(0.025), 9)
      }),
    )
  })
  test('a pool is sized by what it asks', () => {
    const levels = new RealisedLevels()
    for (let index = 0; index < 300; index++) levels.update(index % 10 === 0 ? 0.001 : 0.5)
    const size = (accuracy?: Recalibration): number =>
      sizePool({ demand: uniform, tiers: [hot], costs, ...(accuracy === undefined ? {} : { accuracy }) }).choice.totalUnits
    expect(size(levels)).toBeGreaterThan(size())
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
