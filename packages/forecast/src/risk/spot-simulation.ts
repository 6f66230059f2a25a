import { ForecastError } from '../errors.ts'
import { requireNotNegative, requirePositive } from '../requirements.ts'
import { jointLoss } from './joint-risk.ts'
import type { JointRiskModel } from './joint-risk.ts'
import { requireTrace, tickCount } from './trace.ts'
import type { CapacityTrace } from './trace.ts'

/** What starting and switching take, and what capacity costs. On-demand costs 1. */
export interface SpotParameters {
  /** From the launch of interruptible capacity until it can serve. */
  readonly coldStartSeconds: number
  /** From a loss until a ready shadow serves. */
  readonly warmSwitchSeconds: number
  readonly onDemandStartSeconds: number
  /** How long before a loss the cloud says so; 0 where nothing is made of it. */
  readonly noticeSeconds: number
  readonly spotPriceRatio: number
}

export interface SpotPolicy {
  /** The pools that it may use, as indexes. */
  readonly pools: readonly number[]
  /** When a second, ready instance is kept: never, always, or while the risk of the serving one exceeds this. */
  readonly shadow: 'never' | 'always' | number
  readonly shadowPool: 'same' | 'lowest-risk' | 'least-joint-risk'
  /** Traffic moves to the ready shadow when its risk is lower by more than this; absent for never. */
  readonly migrateGain?: number
  /** Whether on-demand bridges the time without interruptible capacity. */
  readonly hasFallback: boolean
}

/** What is believed at each tick; `risk` is [tick × pools + pool]. */
export interface SpotForecast {
  readonly risk: Float64Array
  readonly joint: JointRiskModel
}

export interface SpotOutcome {
  /** Share of time served. */
  readonly availability: number
  /** Against one on-demand instance for the whole time. */
  readonly costRatio: number
  /** Times without service for longer than a warm switch. */
  readonly outagesPerDay: number
  readonly longestOutageSeconds: number
}

interface Unit {
  /** Undefined for on-demand. */
  readonly pool: number | undefined
  readonly readyAt: number
}

/** Plays a policy against a trace from `fromTick` to its end. It sees of the future what `forecast` says, and no more. */
export function simulateSpot(
  trace: CapacityTrace,
  run: { readonly policy: SpotPolicy; readonly parameters: SpotParameters; readonly forecast: SpotForecast; readonly fromTick?: number },
): SpotOutcome {
  requireTrace(trace)
  requireRun(trace, run)
  const from = run.fromTick ?? 0
  const ticks = tickCount(trace)
  if (!Number.isInteger(from) || from < 0 || from >= ticks) throw new ForecastError('fromTick', `must be a whole number from 0 to ${ticks - 1}`)
  const fleet = new Fleet(trace, run)
  for (let tick = from; tick < ticks; tick++) fleet.advance(tick)
  return fleet.outcome(from)
}

class Fleet {
  readonly #trace: CapacityTrace
  readonly #policy: SpotPolicy
  readonly #parameters: SpotParameters
  readonly #forecast: SpotForecast
  #units: Unit[] = []
  #serving: Unit | undefined
  /** When service was last lost; undefined while it is there. */
  #downSince: number | undefined
  #cost = 0
  #downSeconds = 0
  #outages = 0
  #longest = 0
  #end = 0

  constructor(trace: CapacityTrace, run: { readonly policy: SpotPolicy; readonly parameters: SpotParameters; readonly forecast: SpotForecast }) {
    this.#trace = trace
    this.#policy = run.policy
    this.#parameters = run.parameters
    this.#forecast = run.forecast
  }

  advance(tick: number): void {
    const start = tick * this.#trace.tickSeconds
    this.#end = start + this.#trace.tickSeconds
    if (this.#serving === undefined && this.#downSince === undefined) this.#downSince = start
    this.#lose(tick, start)
    this.#switchWhatIsReady(tick, start)
    this.#launch(tick, start)
    this.#serveWhatBecomesReady()
    for (const unit of this.#units) this.#cost += this.#trace.tickSeconds * (unit.pool === undefined ? 1 : this.#parameters.spotPriceRatio)
  }

  outcome(fromTick: number): SpotOutcome {
    if (this.#downSince !== undefined) this.#resume(this.#end)
    const seconds = this.#end - fromTick * this.#trace.tickSeconds
    return {
      availability: 1 - this.#downSeconds / seconds,
      costRatio: this.#cost / seconds,
      outagesPerDay: this.#outages / (seconds / 86_400),
      longestOutageSeconds: this.#longest,
    }
  }

  #lose(tick: number, start: number): void {
    this.#units = this.#units.filter((unit) => unit.pool === undefined || this.#isUp(tick, unit.pool))
    if (this.#serving === undefined || this.#units.includes(this.#serving)) return
    this.#serving = undefined
    this.#downSince ??= start
    const ready = this.#leastRisky(
      tick,
      this.#units.filter((unit) => unit.readyAt <= start),
    )
    if (ready === undefined) return
    this.#serving = ready
    this.#resume(start + Math.max(0, this.#parameters.warmSwitchSeconds - this.#parameters.noticeSeconds))
  }

  /** Planned moves, without an outage: back from on-demand, and to a shadow that is much less at risk. */
  #switchWhatIsReady(tick: number, start: number): void {
    const serving = this.#serving
    if (serving === undefined) return
    const spare = this.#leastRisky(
      tick,
      this.#units.filter((unit) => unit.pool !== undefined && unit !== serving && unit.readyAt <= start),
    )
    if (serving.pool === undefined) {
      if (spare === undefined) return
      this.#serving = spare
    } else if (spare?.pool !== undefined && this.#policy.migrateGain !== undefined) {
      const gain = this.#risk(tick, serving.pool) - this.#risk(tick, spare.pool)
      if (gain > this.#policy.migrateGain) this.#serving = spare
    }
    this.#units = this.#units.filter((unit) => unit.pool !== undefined || unit === this.#serving)
  }

  #launch(tick: number, start: number): void {
    const { coldStartSeconds, onDemandStartSeconds, noticeSeconds } = this.#parameters
    // A loss that was announced let its replacement start that much earlier.
    const head = this.#downSince === start ? noticeSeconds : 0
    const spots = this.#units.filter((unit) => unit.pool !== undefined)
    if (spots.length === 0) {
      const pool = this.#lowestRisk(tick, this.#policy.pools)
      if (pool !== undefined) this.#units.push({ pool, readyAt: start - head + coldStartSeconds })
    }
    const hasOnDemand = this.#units.length > spots.length && this.#units.some((unit) => unit.pool === undefined)
    if (this.#serving === undefined && this.#policy.hasFallback && !hasOnDemand) {
      this.#units.push({ pool: undefined, readyAt: start - head + onDemandStartSeconds })
    }
    const serving = this.#serving
    if (serving?.pool === undefined) return
    const isWanted = this.#wantsShadow(tick, serving.pool, spots.length > 1)
    if (!isWanted) this.#units = this.#units.filter((unit) => unit.pool === undefined || unit === serving)
    else if (spots.length < 2) {
      const pool = this.#shadowPool(tick, serving.pool)
      if (pool !== undefined) this.#units.push({ pool, readyAt: start + coldStartSeconds })
    }
  }

  #serveWhatBecomesReady(): void {
    if (this.#serving !== undefined) return
    const first = this.#units.filter((unit) => unit.readyAt < this.#end).sort((a, b) => a.readyAt - b.readyAt)[0]
    if (first === undefined) return
    this.#serving = first
    this.#resume(Math.max(first.readyAt, this.#downSince ?? first.readyAt))
  }

  #resume(at: number): void {
    const seconds = at - (this.#downSince ?? at)
    this.#downSince = undefined
    this.#downSeconds += seconds
    if (seconds > this.#parameters.warmSwitchSeconds) this.#outages += 1
    this.#longest = Math.max(this.#longest, seconds)
  }

  /** A shadow that is there stays until the risk is a fifth below the threshold, lest it come and go. */
  #wantsShadow(tick: number, serving: number, isThere: boolean): boolean {
    const { shadow } = this.#policy
    if (typeof shadow === 'string') return shadow === 'always'
    return this.#risk(tick, serving) > shadow * (isThere ? 0.8 : 1)
  }

  #shadowPool(tick: number, serving: number): number | undefined {
    if (this.#policy.shadowPool === 'same') return serving
    const others = this.#policy.pools.filter((pool) => pool !== serving)
    if (this.#policy.shadowPool === 'lowest-risk') return this.#lowestRisk(tick, others)
    const own = { pool: serving, probability: this.#risk(tick, serving) }
    return lowest(
      others.filter((pool) => this.#isUp(tick, pool)),
      (pool) => jointLoss(this.#forecast.joint, [own, { pool, probability: this.#risk(tick, pool) }]),
    )
  }

  #leastRisky(tick: number, units: readonly Unit[]): Unit | undefined {
    return lowest(units, (unit) => (unit.pool === undefined ? -1 : this.#risk(tick, unit.pool)))
  }

  #lowestRisk(tick: number, pools: readonly number[]): number | undefined {
    return lowest(
      pools.filter((pool) => this.#isUp(tick, pool)),
      (pool) => this.#risk(tick, pool),
    )
  }

  #risk(tick: number, pool: number): number {
    return this.#forecast.risk[tick * this.#trace.pools.length + pool] ?? 1
  }

  #isUp(tick: number, pool: number): boolean {
    return this.#trace.up[tick * this.#trace.pools.length + pool] === 1
  }
}

/**
 * A forecast that knows the future, for the bound of the table: 1 within `leadSeconds` of a loss, else the smaller the longer
 * the pool stays up.
 */
export function perfectForesight(trace: CapacityTrace, leadSeconds: number): Float64Array {
  requireTrace(trace)
  requireNotNegative('leadSeconds', leadSeconds)
  const width = trace.pools.length
  const risk = new Float64Array(trace.up.length).fill(1)
  const left = Array.from<number>({ length: width }).fill(Number.MAX_SAFE_INTEGER)
  for (let tick = tickCount(trace) - 1; tick >= 0; tick--) {
    for (let pool = 0; pool < width; pool++) {
      const at = tick * width + pool
      const ticks = trace.up[at] === 0 ? 0 : (left[pool] ?? 0) + 1
      left[pool] = ticks
      if (ticks * trace.tickSeconds > leadSeconds + trace.tickSeconds) risk[at] = 0.5 / ticks
    }
  }
  return risk
}

function lowest<T>(items: readonly T[], score: (item: T) => number): T | undefined {
  let best: { readonly item: T; readonly score: number } | undefined
  for (const item of items) {
    const value = score(item)
    if (best === undefined || value < best.score) best = { item, score: value }
  }
  return best?.item
}

function requireRun(trace: CapacityTrace, { policy, parameters, forecast }: Omit<Parameters<typeof simulateSpot>[1], 'fromTick'>): void {
  for (const name of ['coldStartSeconds', 'warmSwitchSeconds', 'onDemandStartSeconds', 'noticeSeconds'] as const) {
    requireNotNegative(`parameters.${name}`, parameters[name])
  }
  requirePositive('parameters.spotPriceRatio', parameters.spotPriceRatio)
  if (policy.pools.length === 0) throw new ForecastError('policy.pools', 'must not be empty')
  for (const pool of policy.pools) {
    if (trace.pools[pool] === undefined) throw new ForecastError('policy.pools', `there is no pool ${pool}`)
  }
  if (forecast.risk.length !== trace.up.length) throw new ForecastError('forecast.risk', 'must be as long as trace.up')
  if (forecast.joint.downShare.length !== trace.pools.length) throw new ForecastError('forecast.joint', 'was learnt from other pools')
}
