import type { CapacityPool } from './trace.ts'
import { ForecastError } from '../errors.ts'
import { requireNotNegative } from '../requirements.ts'

/** Losses per hour of held capacity that a pool of which nothing is known is taken to have: about 5 % within an hour. */
const globalPriorPerHour = 0.05
/** How many held hours of a parent's rate a level starts with, from global down to the pool. */
const priorHours = [24, 24, 24, 12] as const

/**
 * Losses per held hour of each pool, shrunk along global → region → zone → pool (a type in a zone). Each level is the posterior
 * mean of a Gamma–Poisson model whose prior is its parent's rate worth `priorHours` hours (Gelman et al., Bayesian Data
 * Analysis, 3rd ed., §2.6), so a pool without history has its zone's rate, and a zone without history its region's.
 */
export class LossRates {
  readonly #chains: readonly (readonly Count[])[]

  constructor(pools: readonly CapacityPool[]) {
    const counts = new Map<string, Count>()
    const countOf = (level: string): Count => {
      const count = counts.get(level) ?? { losses: 0, hours: 0 }
      counts.set(level, count)
      return count
    }
    this.#chains = pools.map(({ region, zone, type }) => ['', region, `${region}/${zone}`, `${region}/${zone}/${type}`].map(countOf))
  }

  /** Adds what was seen of one pool: hours that it was held, and losses in them. */
  add(pool: number, seen: { readonly hours: number; readonly losses: number }): void {
    requireNotNegative('hours', seen.hours)
    requireNotNegative('losses', seen.losses)
    for (const count of this.#chain(pool)) {
      count.losses += seen.losses
      count.hours += seen.hours
    }
  }

  /** Losses per held hour of this pool; always above 0. */
  perHour(pool: number): number {
    let rate = globalPriorPerHour
    this.#chain(pool).forEach(({ losses, hours }, depth) => {
      const weight = priorHours[depth] ?? 0
      rate = (losses + weight * rate) / (hours + weight)
    })
    return rate
  }

  #chain(index: number): readonly Count[] {
    const chain = this.#chains[index]
    if (chain === undefined) throw new ForecastError('pool', `there is no pool ${index}`)
    return chain
  }
}

interface Count {
  losses: number
  hours: number
}
