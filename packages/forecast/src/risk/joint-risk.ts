import { ForecastError } from '../errors.ts'
import { requireProbability } from '../requirements.ts'
import { normalCdf, normalQuantile } from '../normal.ts'
import { bivariateNormalCdf, latentCorrelation } from './bivariate-normal.ts'
import { requireTrace, tickCount } from './trace.ts'
import type { CapacityTrace } from './trace.ts'

/** How pools go down together: a normal copula, each pair with a correlation of its own. */
export interface JointRiskModel {
  /** Shrunk share of time that each pool is down, in (0, 1). */
  readonly downShare: readonly number[]
  /** Latent correlation of pools i and j; [i × pools + j], 1 on the diagonal. */
  readonly correlation: readonly number[]
}

/** What is believed before anything is seen: measured on public traces, same region 0.35–0.59 and others 0.03–0.27. */
const priorCorrelation = { sameRegion: 0.6, otherRegion: 0.25 } as const
/** How many independent losses of both pools a pair's prior is worth. */
const priorLosses = 15

/**
 * Learns from ticks [0, untilTick) how pools go down together. The correlation of a pair is the tetrachoric one of its 2 × 2
 * table (Pearson 1900), shrunk towards the mean of pairs of its kind (same region, other region), and that towards a prior.
 * Losses are the evidence, but not more than one a day: scarcity lasts, so its ticks and its losses are not independent.
 */
export function trainJointRisk(trace: CapacityTrace, options: { readonly untilTick?: number } = {}): JointRiskModel {
  requireTrace(trace)
  const until = options.untilTick ?? tickCount(trace)
  if (!Number.isInteger(until) || until < 1 || until > tickCount(trace)) {
    throw new ForecastError('untilTick', `must be a whole number from 1 to ${tickCount(trace)}`)
  }
  const width = trace.pools.length
  const { down, both, losses } = countDown(trace, until)
  const days = (until * trace.tickSeconds) / 86_400
  // Two ticks of prior at one half keep a pool that was never or always down away from 0 and 1.
  const downShare = down.map((count) => (count + 1) / (until + 2))
  const pairs = pairsOf(width).map(([i, j]) => {
    const [a, b] = [downShare[i] ?? 0.5, downShare[j] ?? 0.5]
    const joint = ((both[i * width + j] ?? 0) + 2 * a * b) / (until + 2)
    return {
      i,
      j,
      isSameRegion: trace.pools[i]?.region === trace.pools[j]?.region,
      evidence: Math.min(losses[i] ?? 0, losses[j] ?? 0, days),
      own: latentCorrelation(normalQuantile(a), normalQuantile(b), joint),
    }
  })
  const correlation = Array.from<number>({ length: width * width }).fill(1)
  for (const isSameRegion of [true, false]) {
    const kin = pairs.filter((pair) => pair.isSameRegion === isSameRegion)
    const prior = isSameRegion ? priorCorrelation.sameRegion : priorCorrelation.otherRegion
    const evidence = kin.reduce((sum, pair) => sum + pair.evidence, 0)
    const mean = (kin.reduce((sum, pair) => sum + pair.evidence * pair.own, 0) + priorLosses * prior) / (evidence + priorLosses)
    for (const pair of kin) {
      const shrunk = (pair.evidence * pair.own + priorLosses * mean) / (pair.evidence + priorLosses)
      correlation[pair.i * width + pair.j] = shrunk
      correlation[pair.j * width + pair.i] = shrunk
    }
  }
  return { downShare, correlation }
}

/**
 * P(all of these pools are lost), when each alone is lost with the probability given: never above the smallest of them. Two pools
 * use their own correlation; more use one common factor with the mean of their pairs' (Vasicek 2002), and at least 0.
 */
export function jointLoss(model: JointRiskModel, lost: readonly { readonly pool: number; readonly probability: number }[]): number {
  if (lost.length === 0) throw new ForecastError('lost', 'must name at least one pool')
  const width = model.downShare.length
  for (const { pool, probability } of lost) {
    if (!Number.isInteger(pool) || pool < 0 || pool >= width) throw new ForecastError('lost.pool', `there is no pool ${pool}`)
    requireProbability('lost.probability', probability)
  }
  const uncertain = lost.filter(({ probability }) => probability < 1)
  if (uncertain.some(({ probability }) => probability === 0)) return 0
  const [first, second] = uncertain
  if (first === undefined) return 1
  if (second === undefined) return first.probability
  const thresholds = uncertain.map(({ probability }) => normalQuantile(probability))
  const pairs = pairsOf(uncertain.length).map(([i, j]) => correlationOf(model, uncertain[i]?.pool ?? 0, uncertain[j]?.pool ?? 0))
  const mean = pairs.reduce((sum, value) => sum + value, 0) / pairs.length
  const joint =
    uncertain.length === 2
      ? bivariateNormalCdf(thresholds[0] ?? 0, thresholds[1] ?? 0, mean)
      : oneFactor(thresholds, Math.max(0, Math.min(mean, 0.99)))
  // A probability that went to its quantile and back comes out a little larger, by more the nearer it lies to 1.
  return Math.min(joint, ...uncertain.map(({ probability }) => probability))
}

export interface PoolPair {
  readonly first: number
  readonly second: number
  /** P(both lost), or the share of time that both are down where no probabilities were given. */
  readonly joint: number
}

/**
 * All pairs, the least likely to fall together first. Without probabilities the long-run share of time down is used, which suits
 * placement; with P(lost within h) of each pool, the next h.
 */
export function rankPairs(model: JointRiskModel, probabilities: readonly number[] = model.downShare): readonly PoolPair[] {
  if (probabilities.length !== model.downShare.length) {
    throw new ForecastError('probabilities', `needs ${model.downShare.length} values, has ${probabilities.length}`)
  }
  return pairsOf(probabilities.length)
    .map(([first, second]) => ({
      first,
      second,
      joint: jointLoss(model, [
        { pool: first, probability: probabilities[first] ?? 1 },
        { pool: second, probability: probabilities[second] ?? 1 },
      ]),
    }))
    .sort((a, b) => a.joint - b.joint)
}

function correlationOf(model: JointRiskModel, i: number, j: number): number {
  return i === j ? 0.999 : (model.correlation[i * model.downShare.length + j] ?? 0)
}

function oneFactor(thresholds: readonly number[], correlation: number): number {
  const [loading, rest] = [Math.sqrt(correlation), Math.sqrt(1 - correlation)]
  const steps = 80
  let sum = 0
  let mass = 0
  for (let i = 0; i <= steps; i++) {
    const factor = -6 + (12 * i) / steps
    const weight = Math.exp((-factor * factor) / 2)
    mass += weight
    sum += weight * thresholds.reduce((product, threshold) => product * normalCdf((threshold - loading * factor) / rest), 1)
  }
  return Math.min(sum / mass, ...thresholds.map(normalCdf))
}

function pairsOf(count: number): readonly (readonly [number, number])[] {
  return Array.from({ length: count }, (_i, i) => Array.from({ length: count - i - 1 }, (_j, j) => [i, i + 1 + j] as const)).flat()
}

function countDown(trace: CapacityTrace, until: number): { readonly down: number[]; readonly both: number[]; readonly losses: number[] } {
  const width = trace.pools.length
  const down = Array.from<number>({ length: width }).fill(0)
  const losses = Array.from<number>({ length: width }).fill(0)
  const both = Array.from<number>({ length: width * width }).fill(0)
  for (let tick = 0; tick < until; tick++) {
    const row = trace.up.subarray(tick * width, (tick + 1) * width)
    for (let i = 0; i < width; i++) {
      if (row[i] === 1) continue
      down[i] = (down[i] ?? 0) + 1
      if (tick > 0 && trace.up[(tick - 1) * width + i] === 1) losses[i] = (losses[i] ?? 0) + 1
      for (let j = i + 1; j < width; j++) if (row[j] === 0) both[i * width + j] = (both[i * width + j] ?? 0) + 1
    }
  }
  return { down, both, losses }
}
