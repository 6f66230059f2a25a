import { ForecastError } from '../errors.ts'
import { requireAllFinite, requirePositive } from '../requirements.ts'

/** Where interruptible capacity can be had: one instance type in one zone. */
export interface CapacityPool {
  readonly type: string
  readonly zone: string
  readonly region: string
}

/** What was seen of several pools at regular times. */
export interface CapacityTrace {
  readonly pools: readonly CapacityPool[]
  readonly tickSeconds: number
  /** Seconds since an epoch of the first tick; the time of day is taken from it (UTC). */
  readonly startSeconds: number
  /** 1 where capacity could be had or kept, else 0; [tick × pools + pool]. */
  readonly up: Uint8Array
  /** Price of interruptible as a share of on-demand, same layout; absent where prices are not known. */
  readonly priceRatio?: Float64Array
}

export function tickCount(trace: Pick<CapacityTrace, 'pools' | 'up'>): number {
  return trace.up.length / trace.pools.length
}

/** Throws `ForecastError` for a trace of which no statistics can be made. */
export function requireTrace(trace: CapacityTrace): void {
  requirePools(trace.pools)
  requirePositive('trace.tickSeconds', trace.tickSeconds)
  if (!Number.isFinite(trace.startSeconds)) throw new ForecastError('trace.startSeconds', 'must be a finite number')
  if (trace.up.length === 0 || trace.up.length % trace.pools.length !== 0) {
    throw new ForecastError('trace.up', `has ${trace.up.length} values, which is no multiple of its ${trace.pools.length} pools`)
  }
  if (trace.up.some((value) => value > 1)) throw new ForecastError('trace.up', 'must hold only 0 and 1')
  if (trace.priceRatio === undefined) return
  if (trace.priceRatio.length !== trace.up.length) throw new ForecastError('trace.priceRatio', 'must be as long as trace.up')
  requireAllFinite('trace.priceRatio', trace.priceRatio)
}

export function requirePools(pools: readonly CapacityPool[]): void {
  if (pools.length === 0) throw new ForecastError('pools', 'must not be empty')
  const names = new Set(pools.map((pool) => `${pool.type} ${pool.zone}`))
  if (names.size !== pools.length) throw new ForecastError('pools', 'names a type in a zone twice')
}
