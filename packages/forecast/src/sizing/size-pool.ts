import { ForecastError } from '../errors.ts'
import { requireNotNegative } from '../requirements.ts'
import { correctForAccuracy } from './accuracy.ts'
import type { MeasuredAccuracy } from './accuracy.ts'
import { demandAt, requireDemand } from './demand.ts'
import type { DemandQuantiles } from './demand.ts'
import type { Recalibration } from './realised-levels.ts'
import { tierBands } from './tiers.ts'
import type { ReadinessTier, SizingCosts } from './tiers.ts'

export interface SizingQuestion {
  /** Of the units needed at once, at the worst time of the period. */
  readonly demand: DemandQuantiles
  readonly tiers: readonly ReadinessTier[]
  readonly costs: SizingCosts
  /** How the distributions have done: what came of decisions of the same lead, or how often one quantile was exceeded. */
  readonly accuracy?: MeasuredAccuracy | Recalibration
  /** Units that are there now, by tier: shown beside the others. */
  readonly current?: Readonly<Record<string, number>>
  /** Units are whole unless this says otherwise. */
  readonly allowsFractions?: boolean
}

/** One way to size the pool and what it is expected to cost and risk. */
export interface SizingAlternative {
  readonly name: string
  /** By tier, in the order of the question. */
  readonly units: Readonly<Record<string, number>>
  readonly totalUnits: number
  readonly expectedIdleCostPerHour: number
  readonly expectedMissingCostPerHour: number
  readonly expectedCostPerHour: number
  /** P(demand exceeds what serves without delay), and P(it exceeds all that is held). */
  readonly riskOfWaiting: number
  readonly riskOfShortage: number
  /** Mean unmet demand of the period, in unit-hours. */
  readonly expectedMissingUnitHours: number
}
export interface SizingAnswer {
  readonly choice: SizingAlternative
  /** The choice and the others, the cheapest first. */
  readonly alternatives: readonly SizingAlternative[]
  /** P(exceeded) that the costs ask for, and the one asked of the distribution for it after its measured accuracy. */
  readonly wantedShortage: number
  readonly askedShortage: number
}

/**
 * How many units of each tier to hold: each band of `tierBands` is filled from one quantile of demand to the next, the quantiles
 * moved by the measured accuracy. Throws `ForecastError` for what cannot be sized.
 */
export function sizePool(question: SizingQuestion): SizingAnswer {
  requireDemand(question.demand)
  const bands = tierBands(question.tiers, question.costs)
  const { accuracy } = question
  const ask = (probability: number): number =>
    accuracy !== undefined && 'ask' in accuracy ? accuracy.ask(probability) : correctForAccuracy(probability, accuracy)
  const wantedShortage = bands.at(-1)?.fromProbability ?? 1
  const units = new Map<string, number>()
  let held = 0
  for (const band of bands) {
    const upTo = Math.max(held, wholeUnits(question, demandAt(question.demand, 1 - ask(band.fromProbability))))
    units.set(band.tier.name, upTo - held)
    held = upTo
  }
  const judge = judgeOf(question, ask)
  const choice = judge('chosen', units)
  const first = [...question.tiers].sort((a, b) => a.leadSeconds - b.leadSeconds)[0]?.name ?? ''
  const hot = (name: string, level: number): SizingAlternative =>
    judge(name, new Map([[first, wholeUnits(question, demandAt(question.demand, level))]]))
  const alternatives = [
    choice,
    judge('nothing held', new Map()),
    ...[0.5, 0.9, 0.975, 0.99].map((level) => hot(`all ${first} at the ${level * 100} % quantile`, level)),
    ...(question.current === undefined ? [] : [judge('as it is', requireCurrent(question, question.current))]),
  ].sort((a, b) => a.expectedCostPerHour - b.expectedCostPerHour)
  return { choice, alternatives, wantedShortage, askedShortage: ask(wantedShortage) }
}

function judgeOf(
  question: SizingQuestion,
  ask: (probability: number) => number,
): (name: string, units: ReadonlyMap<string, number>) => SizingAlternative {
  const tiers = [...question.tiers].sort((a, b) => a.leadSeconds - b.leadSeconds)
  const { missingCostPerHour, periodSeconds, coldStartSeconds } = question.costs
  const steps = 400
  const demands = Float64Array.from({ length: steps }, (_, i) => demandAt(question.demand, 1 - ask(1 - (i + 0.5) / steps)))
  const wait = (seconds: number): number => Math.min(seconds, coldStartSeconds ?? Infinity, periodSeconds) / 3600
  return (name, units) => {
    let [idle, missing, waiting, short] = [0, 0, 0, 0]
    const prompt = tiers.reduce((sum, tier) => sum + (tier.leadSeconds === 0 ? (units.get(tier.name) ?? 0) : 0), 0)
    for (const demand of demands) {
      let left = demand
      for (const tier of tiers) {
        const held = units.get(tier.name) ?? 0
        const used = Math.min(held, left)
        idle += (held - used) * tier.idleCostPerHour
        missing += used * wait(tier.leadSeconds)
        left -= used
      }
      missing += left * wait(Infinity)
      waiting += demand > prompt ? 1 : 0
      short += left > 1e-9 ? 1 : 0
    }
    const expectedMissingUnitHours = missing / steps
    const expectedIdleCostPerHour = idle / steps
    const expectedMissingCostPerHour = (expectedMissingUnitHours * missingCostPerHour) / (periodSeconds / 3600)
    return {
      name,
      units: Object.fromEntries(question.tiers.map((tier) => [tier.name, units.get(tier.name) ?? 0])),
      totalUnits: [...units.values()].reduce((sum, value) => sum + value, 0),
      expectedIdleCostPerHour,
      expectedMissingCostPerHour,
      expectedCostPerHour: expectedIdleCostPerHour + expectedMissingCostPerHour,
      riskOfWaiting: waiting / steps,
      riskOfShortage: short / steps,
      expectedMissingUnitHours,
    }
  }
}

function requireCurrent(question: SizingQuestion, current: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  for (const [name, units] of Object.entries(current)) {
    if (!question.tiers.some((tier) => tier.name === name)) throw new ForecastError(`current.${name}`, 'is no tier of the question')
    requireNotNegative(`current.${name}`, units)
  }
  return new Map(Object.entries(current))
}

/** Demand of 3.0000001 units, which is rounding, is not worth a fourth. */
function wholeUnits(question: SizingQuestion, demand: number): number {
  return question.allowsFractions === true ? demand : Math.ceil(demand - 1e-6)
}
