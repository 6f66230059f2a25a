import { ForecastError } from '../errors.ts'
import { CapacityHistory, featureCount, rateFeature } from './capacity-history.ts'
import { fitLogistic, logistic } from './logistic.ts'
import { requireTrace, tickCount } from './trace.ts'
import type { CapacityPool, CapacityTrace } from './trace.ts'

/** Over which times a loss is foretold, in seconds: 30 s, 5 min, 30 min, 1 h, 6 h. */
export const lossHorizons = [30, 300, 1800, 3600, 21_600] as const
export type LossHorizon = (typeof lossHorizons)[number]

/** P(lost within each horizon), rising with the horizon. */
export type LossRisk = Readonly<Record<LossHorizon, number>>

/** Plain data: it may be stored and read back. One row of weights per horizon. */
export interface HazardModel {
  /** Over which time each horizon's weights were fitted; a trace cannot tell apart what is shorter than its tick. */
  readonly windowSeconds: readonly number[]
  readonly weights: readonly (readonly number[])[]
}

/**
 * How much the data have to say against the prior before a weight moves, in rows' worth of curvature. Neighbouring rows tell
 * nearly the same, hence the strength.
 */
const priorStrength = 20

/** The model of somebody without any trace: the shrunk rate of losses, falling with the age of the capacity. */
export const priorHazardModel: HazardModel = {
  windowSeconds: lossHorizons,
  weights: lossHorizons.map(() => Array.from(priorWeights())),
}

/**
 * Fits P(an up pool is lost within h) for each horizon by logistic regression on what `CapacityHistory` describes. The rate of
 * losses enters as its own log-odds, log(exp(rate·h) − 1), with prior weight 1: without data the model is the shrunk
 * exponential lifetime, scaled by age. Uses ticks [0, untilTick) and outcomes within them only.
 * Throws `ForecastError` for a malformed trace.
 */
export function trainHazardModel(trace: CapacityTrace, options: { readonly untilTick?: number; readonly everyTicks?: number } = {}): HazardModel {
  requireTrace(trace)
  const until = options.untilTick ?? tickCount(trace)
  const every = options.everyTicks ?? 3
  if (!Number.isInteger(until) || until < 1 || until > tickCount(trace)) {
    throw new ForecastError('untilTick', `must be a whole number from 1 to ${tickCount(trace)}`)
  }
  if (!Number.isInteger(every) || every < 1) throw new ForecastError('everyTicks', 'must be a whole number above 0')
  const seen = describeTrace(trace, until, every)
  const windows = lossHorizons.map((seconds) => Math.ceil(seconds / trace.tickSeconds))
  return {
    windowSeconds: windows.map((ticks) => ticks * trace.tickSeconds),
    weights: windows.map((ticks) => {
      const rows = seen.filter((row) => row.tick + ticks < until)
      const values = new Float64Array(rows.length * featureCount)
      const labels = new Uint8Array(rows.length)
      rows.forEach((row, index) => {
        values.set(row.features, index * featureCount)
        rateToLogOdds(values, index * featureCount, (ticks * trace.tickSeconds) / 3600)
        labels[index] = isLostWithin(trace, row.pool, row.tick, ticks) ? 1 : 0
      })
      return Array.from(fitLogistic({ columns: featureCount, values, labels }, priorWeights(), priorStrength))
    }),
  }
}

/** P(lost within each horizon) of a pool that is up, as of the latest observation. A pool that is down is lost: 1. */
export function lossRisk(model: HazardModel, history: CapacityHistory, pool: number): LossRisk {
  const row = new Float64Array(featureCount)
  history.describe(pool, row)
  const rate = row[rateFeature] ?? 0
  let floor = 0
  const entries = lossHorizons.map((seconds, index): [LossHorizon, number] => {
    const window = model.windowSeconds[index] ?? seconds
    row[rateFeature] = rate
    rateToLogOdds(row, 0, window / 3600)
    const withinWindow = logistic((model.weights[index] ?? []).reduce((sum, weight, j) => sum + weight * (row[j] ?? 0), 0))
    // Within a window that is longer than the horizon the hazard is taken as constant.
    const within = 1 - (1 - withinWindow) ** (seconds / window)
    floor = history.isUp(pool) ? Math.max(floor, within) : 1
    return [seconds, floor]
  })
  return Object.fromEntries(entries) as Record<LossHorizon, number>
}

/** The risk at every tick of a trace, as it would have been said then; [tick × pools + pool], 1 for pools that are down. */
export function replayRisk(model: HazardModel, trace: CapacityTrace, horizon: LossHorizon): Float64Array {
  requireTrace(trace)
  const risk = new Float64Array(trace.up.length)
  walk(trace, tickCount(trace), (history, tick) => {
    for (let pool = 0; pool < trace.pools.length; pool++) {
      risk[tick * trace.pools.length + pool] = history.isUp(pool) ? lossRisk(model, history, pool)[horizon] : 1
    }
  })
  return risk
}

/** Whether a pool that is up at a tick is down at any of the `ticks` after it. */
export function isLostWithin(trace: CapacityTrace, pool: number, tick: number, ticks: number): boolean {
  const width = trace.pools.length
  for (let later = tick + 1; later <= tick + ticks; later++) if (trace.up[later * width + pool] === 0) return true
  return false
}

interface DescribedTick {
  readonly tick: number
  readonly pool: number
  readonly features: Float64Array
}

function describeTrace(trace: CapacityTrace, until: number, every: number): readonly DescribedTick[] {
  const rows: DescribedTick[] = []
  walk(trace, until, (history, tick) => {
    if (tick % every !== 0) return
    trace.pools.forEach((_pool: CapacityPool, pool) => {
      if (!history.isUp(pool)) return
      const features = new Float64Array(featureCount)
      history.describe(pool, features)
      rows.push({ tick, pool, features })
    })
  })
  return rows
}

function walk(trace: CapacityTrace, until: number, visit: (history: CapacityHistory, tick: number) => void): void {
  const history = new CapacityHistory(trace.pools)
  const width = trace.pools.length
  for (let tick = 0; tick < until; tick++) {
    const from = tick * width
    history.observe({
      atSeconds: trace.startSeconds + tick * trace.tickSeconds,
      up: trace.up.subarray(from, from + width),
      ...(trace.priceRatio === undefined ? {} : { priceRatio: trace.priceRatio.subarray(from, from + width) }),
    })
    visit(history, tick)
  }
}

function rateToLogOdds(values: Float64Array, offset: number, hours: number): void {
  const expected = Math.min((values[offset + rateFeature] ?? 0) * hours, 30)
  values[offset + rateFeature] = Math.log(Math.expm1(Math.max(expected, 1e-12)))
}

/** Weight 1 on the rate's log-odds, and a hazard that falls with the square root or so of age; all others 0. */
function priorWeights(): Float64Array {
  const weights = new Float64Array(featureCount)
  weights[rateFeature] = 1
  weights[2] = -0.3
  return weights
}
