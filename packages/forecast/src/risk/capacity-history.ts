import { ForecastError } from '../errors.ts'
import { requireAllFinite, requireFinite } from '../requirements.ts'
import { LossRates } from './loss-rates.ts'
import { requirePools } from './trace.ts'
import type { CapacityPool } from './trace.ts'

/** What all pools looked like at one time; `up` and `priceRatio` have one value per pool. */
export interface CapacityObservation {
  readonly atSeconds: number
  readonly up: Uint8Array
  readonly priceRatio?: Float64Array
}

/** How many numbers `describe` writes. */
export const featureCount = 14
/** Where among them the losses per hour stand, which the model turns into log-odds for its horizon. */
export const rateFeature = 1

interface PoolState {
  isUp: boolean
  sinceSeconds: number
  downShare6h: number
  downShare48h: number
  losses24h: number
  losses30min: number
  price: number
  usualPrice: number
}

/**
 * What is remembered of each pool to judge its risk; constant memory and time per observation. Observations have to come in the
 * order of time, at any distance from each other.
 */
export class CapacityHistory {
  readonly pools: readonly CapacityPool[]
  readonly #rates: LossRates
  readonly #states: PoolState[] = []
  #atSeconds = 0

  constructor(pools: readonly CapacityPool[]) {
    requirePools(pools)
    this.pools = pools
    this.#rates = new LossRates(pools)
  }

  observe(observation: CapacityObservation): void {
    const { atSeconds, up, priceRatio } = observation
    requireFinite('atSeconds', atSeconds)
    if (up.length !== this.pools.length) throw new ForecastError('up', `needs ${this.pools.length} values, has ${up.length}`)
    if (priceRatio !== undefined) {
      if (priceRatio.length !== up.length) throw new ForecastError('priceRatio', `needs ${up.length} values, has ${priceRatio.length}`)
      requireAllFinite('priceRatio', priceRatio)
    }
    const isFirst = this.#states.length === 0
    const elapsed = isFirst ? 0 : atSeconds - this.#atSeconds
    if (!isFirst && elapsed <= 0) throw new ForecastError('atSeconds', 'must be later than the observation before')
    this.#atSeconds = atSeconds
    for (let pool = 0; pool < up.length; pool++) {
      const price = priceRatio?.[pool]
      const state = this.#states[pool]
      if (state === undefined) this.#states.push(firstState(up[pool] === 1, atSeconds, price ?? 0))
      else this.#advance(pool, state, { isUp: up[pool] === 1, elapsed, price: price ?? state.price })
    }
  }

  isUp(pool: number): boolean {
    return this.#state(pool).isUp
  }

  /** Losses per held hour, shrunk as `LossRates` says. */
  lossesPerHour(pool: number): number {
    return this.#rates.perHour(pool)
  }

  /** Writes `featureCount` numbers about this pool, as of the latest observation, into `into` from `offset` on. */
  describe(pool: number, into: Float64Array, offset = 0): void {
    const state = this.#state(pool)
    const near = this.#neighbours(pool, true)
    const far = this.#neighbours(pool, false)
    const ageHours = Math.min((this.#atSeconds - state.sinceSeconds) / 3600, 72)
    const day = (2 * Math.PI * (this.#atSeconds % 86_400)) / 86_400
    into.set(
      [
        1,
        this.#rates.perHour(pool),
        Math.log(ageHours + 0.05),
        Math.exp(-ageHours / 0.25),
        state.downShare6h,
        state.downShare48h,
        Math.log1p(state.losses24h),
        near.downShare,
        far.downShare,
        Math.log1p(near.losses),
        clip(4 * (state.price - state.usualPrice), 2),
        clip(state.price, 2),
        Math.sin(day),
        Math.cos(day),
      ],
      offset,
    )
  }

  #advance(pool: number, state: PoolState, seen: { readonly isUp: boolean; readonly elapsed: number; readonly price: number }): void {
    const keep = (memorySeconds: number): number => Math.exp(-seen.elapsed / memorySeconds)
    const isLost = state.isUp && !seen.isUp
    if (state.isUp) this.#rates.add(pool, { hours: seen.elapsed / 3600, losses: isLost ? 1 : 0 })
    const down = seen.isUp ? 0 : 1
    state.downShare6h = down + (state.downShare6h - down) * keep(6 * 3600)
    state.downShare48h = down + (state.downShare48h - down) * keep(48 * 3600)
    state.losses24h = state.losses24h * keep(24 * 3600) + (isLost ? 1 : 0)
    state.losses30min = state.losses30min * keep(1800) + (isLost ? 1 : 0)
    state.usualPrice = seen.price + (state.usualPrice - seen.price) * keep(24 * 3600)
    state.price = seen.price
    if (state.isUp !== seen.isUp) state.sinceSeconds = this.#atSeconds
    state.isUp = seen.isUp
  }

  #neighbours(pool: number, isSameRegion: boolean): { readonly downShare: number; readonly losses: number } {
    const own = this.pools[pool]
    let count = 0
    let down = 0
    let losses = 0
    this.pools.forEach((other, index) => {
      const state = this.#states[index]
      if (index === pool || state === undefined || (other.region === own?.region) !== isSameRegion) return
      count += 1
      down += state.isUp ? 0 : 1
      losses += state.losses30min
    })
    return { downShare: count === 0 ? 0 : down / count, losses }
  }

  #state(pool: number): PoolState {
    const state = this.#states[pool]
    if (state === undefined) throw new ForecastError('pool', `nothing was observed of pool ${pool}`)
    return state
  }
}

function firstState(isUp: boolean, sinceSeconds: number, price: number): PoolState {
  const down = isUp ? 0 : 1
  return { isUp, sinceSeconds, downShare6h: down, downShare48h: down, losses24h: 0, losses30min: 0, price, usualPrice: price }
}

function clip(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value))
}
