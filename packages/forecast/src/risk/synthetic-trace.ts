import type { Random } from '@understudy/core'
import { ForecastError } from '../errors.ts'
import { requirePositive, requireProbability } from '../requirements.ts'
import { normalQuantile } from '../normal.ts'
import { tickCount } from './trace.ts'
import type { CapacityPool, CapacityTrace } from './trace.ts'

/** What a made pool's history shall look like in the long run. */
export interface SyntheticPool extends CapacityPool {
  /** Share of time that capacity can be had, in (0, 1). */
  readonly availability: number
  /** Losses per day of being up. */
  readonly lossesPerUpDay: number
}
export interface SyntheticTraceOptions {
  readonly pools: readonly SyntheticPool[]
  readonly days: number
  readonly tickSeconds: number
  /** Correlation of the latent scarcity between zones of one region, and of different regions. */
  readonly latentCorrelation: { readonly sameRegion: number; readonly otherRegion: number }
  /** Share of the losses, in [0, 1), that come out of nothing: no state, price or neighbour tells of them. */
  readonly suddenShare: number
  /** Mean price as a share of on-demand. */
  readonly priceRatio: number
  readonly random: Random
}

/**
 * Nine zones with the statistics of a public nine-zone trace of one GPU type (45.5 days, a tick of 195 s): availability 16.7 % to
 * 90.5 %, 33 to 2.3 losses per available day, availability correlated 0.43 within a region and 0.16 across.
 */
export function nineZones(): readonly SyntheticPool[] {
  const availability = [0.167, 0.45, 0.6, 0.7, 0.75, 0.8, 0.84, 0.88, 0.905]
  const zones = ['us-east-1a', 'us-east-1c', 'us-east-2a', 'us-east-1d', 'us-west-2a', 'us-east-1f', 'us-east-2b', 'us-west-2c', 'us-west-2b']
  return zones.map((zone, index) => ({
    type: 'p3.2xlarge',
    zone,
    region: zone.slice(0, -1),
    availability: availability[index] ?? 0.5,
    lossesPerUpDay: 33 * (2.3 / 33) ** (index / (zones.length - 1)),
  }))
}
export const nineZoneStatistics = {
  days: 45.5,
  tickSeconds: 195,
  latentCorrelation: { sameRegion: 0.88, otherRegion: 0.36 },
  suddenShare: 0.15,
  priceRatio: 0.3,
} as const

const slowMemoryHours = 24
const fastMemoryHours = 0.4
/** Mean length of the down spell after a loss out of nothing. */
const suddenDownHours = 0.5
/** The tide of the day in the latent scarcity, in its standard deviations. */
const dailyAmplitude = 0.15

/**
 * Capacity is up while a latent normal process is above the pool's threshold. The process is a slow part (shared by all, by the
 * region, and own; memory 30 h) and a fast own part (24 min); the share of the fast part is the one whose down-crossings, by
 * Rice's orthant formula, are as frequent as asked. So spells have heavy tails, risk falls with age, and zones fall together.
 * `suddenShare` of the losses are instead a Poisson process of each pool's own, with short down spells.
 * The price follows the slow part, with noise. The same seed gives the same trace.
 */
export function syntheticTrace(options: SyntheticTraceOptions): CapacityTrace {
  requireOptions(options)
  const { pools, tickSeconds, random } = options
  const ticks = Math.ceil((options.days * 86_400) / tickSeconds)
  const normal = normals(random)
  const slow = Math.exp(-tickSeconds / (slowMemoryHours * 3600))
  const fast = Math.exp(-tickSeconds / (fastMemoryHours * 3600))
  const regions = [...new Set(pools.map((pool) => pool.region))]
  const { sameRegion, otherRegion } = options.latentCorrelation
  const shapes = pools.map((pool) => {
    const sudden = suddenLosses(pool, options)
    const gradual = { availability: pool.availability / (1 - sudden.downShare), lossesPerUpDay: pool.lossesPerUpDay * (1 - options.suddenShare) }
    const threshold = -normalQuantile(gradual.availability)
    const fastShare = Math.min(fastShareFor(gradual, threshold, { tickSeconds, slow, fast }), 1 - sameRegion)
    return { threshold, fastShare, region: regions.indexOf(pool.region), sudden: suddenProcess(random, sudden) }
  })
  const all = ornsteinUhlenbeck(normal, slow)
  const perRegion = regions.map(() => ornsteinUhlenbeck(normal, slow))
  const own = pools.map(() => ({ slow: ornsteinUhlenbeck(normal, slow), fast: ornsteinUhlenbeck(normal, fast) }))
  const up = new Uint8Array(ticks * pools.length)
  const priceRatio = new Float64Array(ticks * pools.length)
  for (let tick = 0; tick < ticks; tick++) {
    const shared = all()
    const regional = perRegion.map((next) => next())
    const tide = -dailyAmplitude * Math.sin((2 * Math.PI * (tick * tickSeconds - 8 * 3600)) / 86_400)
    shapes.forEach(({ threshold, fastShare, region, sudden }, pool) => {
      const common = Math.sqrt(otherRegion) * shared + Math.sqrt(sameRegion - otherRegion) * (regional[region] ?? 0)
      const calm = common + Math.sqrt(1 - sameRegion - fastShare) * (own[pool]?.slow() ?? 0)
      const latent = calm + Math.sqrt(fastShare) * (own[pool]?.fast() ?? 0) + tide
      const isScarce = latent <= threshold * Math.sqrt(1 + dailyAmplitude ** 2 / 2)
      up[tick * pools.length + pool] = sudden() || isScarce ? 0 : 1
      priceRatio[tick * pools.length + pool] = options.priceRatio * Math.exp(0.06 * (threshold - calm) + 0.02 * normal())
    })
  }
  return { pools: pools.map(({ type, zone, region }) => ({ type, zone, region })), tickSeconds, startSeconds: 0, up, priceRatio }
}

/** What a trace looks like in the numbers by which it was asked for. */
export function traceStatistics(trace: CapacityTrace): {
  readonly pools: readonly { readonly availability: number; readonly lossesPerUpDay: number; readonly meanUpHours: number }[]
  readonly correlation: { readonly sameRegion: number; readonly otherRegion: number }
} {
  const width = trace.pools.length
  const ticks = tickCount(trace)
  const columns = trace.pools.map((_pool, pool) => Float64Array.from({ length: ticks }, (_, tick) => trace.up[tick * width + pool] ?? 0))
  const pools = columns.map((column) => {
    const upTicks = column.reduce((sum, value) => sum + value, 0)
    const losses = column.reduce((sum, value, tick) => sum + (value === 0 && column[tick - 1] === 1 ? 1 : 0), 0)
    const upDays = (upTicks * trace.tickSeconds) / 86_400
    return {
      availability: upTicks / ticks,
      lossesPerUpDay: upDays === 0 ? 0 : losses / upDays,
      meanUpHours: losses === 0 ? upDays * 24 : (upDays * 24) / losses,
    }
  })
  const sums = { sameRegion: [0, 0], otherRegion: [0, 0] }
  for (let i = 0; i < width; i++) {
    for (let j = i + 1; j < width; j++) {
      const sum = trace.pools[i]?.region === trace.pools[j]?.region ? sums.sameRegion : sums.otherRegion
      sum[0] = (sum[0] ?? 0) + correlation(columns[i] ?? new Float64Array(), columns[j] ?? new Float64Array())
      sum[1] = (sum[1] ?? 0) + 1
    }
  }
  const mean = ([sum = 0, count = 0]: readonly number[]): number => (count === 0 ? 0 : sum / count)
  return { pools, correlation: { sameRegion: mean(sums.sameRegion), otherRegion: mean(sums.otherRegion) } }
}

function requireOptions({ pools, days, tickSeconds, latentCorrelation, suddenShare, priceRatio }: SyntheticTraceOptions): void {
  if (pools.length === 0) throw new ForecastError('pools', 'must not be empty')
  requirePositive('days', days)
  requirePositive('tickSeconds', tickSeconds)
  requirePositive('priceRatio', priceRatio)
  if (!(suddenShare >= 0 && suddenShare < 1)) throw new ForecastError('suddenShare', 'must be at least 0 and below 1')
  for (const pool of pools) {
    if (!(pool.availability > 0 && pool.availability < 1)) throw new ForecastError('pools.availability', 'must be between 0 and 1')
    requirePositive('pools.lossesPerUpDay', pool.lossesPerUpDay)
  }
  requireProbability('latentCorrelation.sameRegion', latentCorrelation.sameRegion)
  requireProbability('latentCorrelation.otherRegion', latentCorrelation.otherRegion)
  if (latentCorrelation.otherRegion > latentCorrelation.sameRegion) {
    throw new ForecastError('latentCorrelation.otherRegion', 'must not exceed latentCorrelation.sameRegion')
  }
}

/**
 * P(X₀ > h, X₁ < h) of a stationary normal process with correlation cos θ over a tick is ∫₀^θ exp(−h²/(1 + cos t)) dt / 2π
 * (the orthant integral behind Rice 1945); found by bisection, then shared out between the two memories.
 */
function fastShareFor(
  pool: Pick<SyntheticPool, 'availability' | 'lossesPerUpDay'>,
  threshold: number,
  memory: { readonly tickSeconds: number; readonly slow: number; readonly fast: number },
): number {
  const wanted = (pool.lossesPerUpDay * pool.availability * memory.tickSeconds) / 86_400
  let low = 0
  let high = Math.PI / 2
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if (crossings(threshold, middle) < wanted) low = middle
    else high = middle
  }
  const correlationOfTick = Math.cos((low + high) / 2)
  return Math.max(0, Math.min(1, (memory.slow - correlationOfTick) / (memory.slow - memory.fast)))
}

interface SuddenLosses {
  readonly lossesPerTick: number
  readonly returnsPerTick: number
  readonly downShare: number
}

function suddenLosses(pool: SyntheticPool, options: SyntheticTraceOptions): SuddenLosses {
  const ticksPerDay = 86_400 / options.tickSeconds
  const lossesPerTick = Math.min(1, (pool.lossesPerUpDay * options.suddenShare) / ticksPerDay)
  const downTicks = Math.max(1, (suddenDownHours / 24) * ticksPerDay)
  return { lossesPerTick, returnsPerTick: 1 / downTicks, downShare: (lossesPerTick * downTicks) / (1 + lossesPerTick * downTicks) }
}

function suddenProcess(random: Random, { lossesPerTick, returnsPerTick }: SuddenLosses): () => boolean {
  let isDown = false
  return () => {
    isDown = random.next() < (isDown ? 1 - returnsPerTick : lossesPerTick)
    return isDown
  }
}

function crossings(threshold: number, angle: number): number {
  const steps = 100
  let sum = 0
  for (let i = 0; i < steps; i++) sum += Math.exp(-(threshold ** 2) / (1 + Math.cos(((i + 0.5) / steps) * angle)))
  return ((sum / steps) * angle) / (2 * Math.PI)
}

/** A stationary process of variance 1 whose neighbours in time correlate by `keep`. */
function ornsteinUhlenbeck(normal: () => number, keep: number): () => number {
  let value = normal()
  return () => (value = keep * value + Math.sqrt(1 - keep * keep) * normal())
}

/** Standard normals by Box and Muller. */
function normals(random: Random): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}

function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanA, meanB] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  a.forEach((value, i) => {
    const [x, y] = [value - meanA, (b[i] ?? 0) - meanB]
    ab += x * y
    aa += x * x
    bb += y * y
  })
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb)
}
