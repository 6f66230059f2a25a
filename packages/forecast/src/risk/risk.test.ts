import { seededRandom } from '@understudy/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CapacityHistory,
  ForecastError,
  jointLoss,
  lossHorizons,
  lossRisk,
  LossRates,
  nineZones,
  nineZoneStatistics,
  priorHazardModel,
  rankPairs,
  replayRisk,
  scoreCalibration,
  syntheticTrace,
  traceStatistics,
  trainHazardModel,
  trainJointRisk,
} from './index.ts'
import type { CapacityPool } from './index.ts'

const trace = syntheticTrace({ pools: nineZones(), ...nineZoneStatistics, days: 12, random: seededRandom(7) })
const pool = (zone: string, region = zone.slice(0, -1), type = 'm7i.large'): CapacityPool => ({ type, zone, region })

describe('made traces', () => {
  test('have the statistics they were asked for, over many days', () => {
    const long = syntheticTrace({ pools: nineZones(), ...nineZoneStatistics, days: 300, random: seededRandom(1) })
    const seen = traceStatistics(long)
    nineZones().forEach((asked, index) => {
      expect(seen.pools[index]?.availability).toBeCloseTo(asked.availability, 0.9)
      const ratio = (seen.pools[index]?.lossesPerUpDay ?? 0) / asked.lossesPerUpDay
      expect(ratio).toBeGreaterThan(0.6)
      expect(ratio).toBeLessThan(1.6)
    })
    expect(seen.correlation.sameRegion).toBeGreaterThan(0.33)
    expect(seen.correlation.sameRegion).toBeLessThan(0.53)
    expect(seen.correlation.otherRegion).toBeGreaterThan(0.08)
    expect(seen.correlation.otherRegion).toBeLessThan(0.26)
  })
  test('are the same for the same seed, and others for another', () => {
    const make = (seed: number) => syntheticTrace({ pools: nineZones(), ...nineZoneStatistics, days: 2, random: seededRandom(seed) })
    expect(make(3)).toEqual(make(3))
    expect(make(3).up).not.toEqual(make(4).up)
  })
})

describe('rates of losses', () => {
  test('a zone of which nothing is known has its region’s rate, and lies between it and its own once something is', () => {
    const rates = new LossRates([pool('r-1a'), pool('r-1b'), pool('s-1a')])
    const unknown = rates.perHour(2)
    rates.add(0, { hours: 1000, losses: 500 })
    expect(rates.perHour(1)).toBeGreaterThan(0.4)
    expect(rates.perHour(1)).toBeGreaterThan(rates.perHour(2))
    expect(rates.perHour(2)).toBeGreaterThan(unknown)
    rates.add(1, { hours: 10_000, losses: 10 })
    expect(rates.perHour(1)).toBeLessThan(0.01)
  })
})

describe('hazard model', () => {
  test('says more than the base rate about days it has not seen', () => {
    const model = trainHazardModel(trace, { untilTick: 3500 })
    const risk = replayRisk(model, trace, 1800)
    const width = trace.pools.length
    const forecasts: number[] = []
    const outcomes: number[] = []
    for (let tick = 3500; tick < trace.up.length / width - 9; tick++) {
      for (let index = 0; index < width; index++) {
        if (trace.up[tick * width + index] === 0) continue
        forecasts.push(risk[tick * width + index] ?? 0)
        outcomes.push(lostWithin(tick, index, 9))
      }
    }
    const { auc, brierSkill, expectedCalibrationError } = scoreCalibration(Float64Array.from(forecasts), Uint8Array.from(outcomes))
    expect(auc).toBeGreaterThan(0.75)
    expect(brierSkill).toBeGreaterThan(0.1)
    expect(expectedCalibrationError).toBeLessThan(0.05)
  })
  test('risk is a probability that rises with the horizon, whatever was observed', () => {
    const observation = fc.record({
      elapsed: fc.double({ min: 1, max: 1e7, noNaN: true }),
      up: fc.tuple(fc.boolean(), fc.boolean()),
      price: fc.double({ min: 0, max: 1e3, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(observation, { minLength: 1, maxLength: 30 }), (seen) => {
        const history = new CapacityHistory([pool('r-1a'), pool('r-1b')])
        let atSeconds = 0
        for (const { elapsed, up, price } of seen) {
          atSeconds += elapsed
          history.observe({ atSeconds, up: Uint8Array.from(up, Number), priceRatio: Float64Array.of(price, price / 2) })
        }
        for (const index of [0, 1]) {
          const risk = lossRisk(priorHazardModel, history, index)
          let before = 0
          for (const horizon of lossHorizons) {
            expect(risk[horizon]).toBeGreaterThanOrEqual(before)
            expect(risk[horizon]).toBeLessThanOrEqual(1)
            before = risk[horizon]
          }
        }
      }),
    )
  })
  test('young capacity is at more risk than old, before anything was learnt', () => {
    const history = new CapacityHistory([pool('r-1a')])
    const riskAt = (atSeconds: number): number => {
      history.observe({ atSeconds, up: Uint8Array.of(1) })
      return lossRisk(priorHazardModel, history, 0)[3600]
    }
    expect(riskAt(60)).toBeGreaterThan(riskAt(40 * 3600))
  })
  test('the same trace gives the same model', () => expect(trainHazardModel(trace)).toEqual(trainHazardModel(trace)))
})

describe('joint risk', () => {
  const model = trainJointRisk(trace)
  test('never exceeds the least of its parts, and more pools never add risk', () => {
    const probability = fc.double({ min: 0, max: 1, noNaN: true })
    const index = fc.integer({ min: 0, max: 8 })
    fc.assert(
      fc.property(fc.array(fc.record({ pool: index, probability }), { minLength: 1, maxLength: 5 }), (lost) => {
        const joint = jointLoss(model, lost)
        expect(joint).toBeGreaterThanOrEqual(0)
        expect(joint).toBeLessThanOrEqual(Math.min(...lost.map((one) => one.probability)))
      }),
    )
  })
  test('independent pools multiply', () => {
    const independent = { downShare: [0.2, 0.3, 0.4], correlation: [1, 0, 0, 0, 1, 0, 0, 0, 1] }
    const lost = [0.2, 0.3, 0.4].map((probability, index) => ({ pool: index, probability }))
    expect(jointLoss(independent, lost.slice(0, 2))).toBeCloseTo(0.06, 6)
    expect(jointLoss(independent, lost)).toBeCloseTo(0.024, 4)
  })
  test('the pair least likely to fall together comes first, and lies in two regions here', () => {
    const [best, ...others] = rankPairs(model)
    expect(best?.joint).toBeLessThanOrEqual(others[0]?.joint ?? 0)
    const correlated = { downShare: [0.2, 0.2, 0.2], correlation: [1, 0.9, 0.1, 0.9, 1, 0.2, 0.1, 0.2, 1] }
    expect(rankPairs(correlated)[0]).toMatchObject({ first: 0, second: 2 })
  })
})

describe('calibration', () => {
  test('a perfect forecast scores perfectly, and a constant one has no skill', () => {
    const outcomes = Uint8Array.of(0, 1, 0, 1)
    expect(scoreCalibration(Float64Array.from(outcomes), outcomes)).toMatchObject({ brier: 0, brierSkill: 1, auc: 1, expectedCalibrationError: 0 })
    expect(scoreCalibration(Float64Array.of(0.5, 0.5, 0.5, 0.5), outcomes)).toMatchObject({ brierSkill: 0, auc: 0.5 })
  })
})

describe('what cannot be answered names its argument', () => {
  const named = (argument: string, act: () => unknown) =>
    test(argument, () => {
      try {
        act()
      } catch (error) {
        expect(error).toBeInstanceOf(ForecastError)
        expect((error as ForecastError).argument).toBe(argument)
        return
      }
      expect.unreachable()
    })
  named('pools', () => new CapacityHistory([]))
  named('atSeconds', () => new CapacityHistory([pool('r-1a')]).observe({ atSeconds: Number.NaN, up: Uint8Array.of(1) }))
  named('up', () => new CapacityHistory([pool('r-1a')]).observe({ atSeconds: 1, up: Uint8Array.of(1, 0) }))
  named('trace.up', () => trainHazardModel({ ...trace, up: new Uint8Array() }))
  named('trace.tickSeconds', () => trainJointRisk({ ...trace, tickSeconds: Number.NaN }))
  named('untilTick', () => trainHazardModel(trace, { untilTick: 0 }))
  named('forecasts', () => scoreCalibration(new Float64Array(), new Uint8Array()))
  named('forecasts[0]', () => scoreCalibration(Float64Array.of(Number.NaN), Uint8Array.of(0)))
  named('lost', () => jointLoss({ downShare: [0.1], correlation: [1] }, []))
  named('days', () => syntheticTrace({ pools: nineZones(), ...nineZoneStatistics, days: Number.POSITIVE_INFINITY, random: seededRandom(1) }))
})

function lostWithin(tick: number, index: number, ticks: number): number {
  for (let later = tick + 1; later <= tick + ticks; later++) if (trace.up[later * trace.pools.length + index] === 0) return 1
  return 0
}
