import { ForecastError } from '../errors.ts'
import { requireNotNegative, requirePositive } from '../requirements.ts'

/** Capacity that is kept ready in one way, as hot, warm or parked. */
export interface ReadinessTier {
  readonly name: string
  /** From need to service. */
  readonly leadSeconds: number
  /** What one unit costs while nothing needs it. */
  readonly idleCostPerHour: number
}
export interface SizingCosts {
  /** What one unit of unmet demand costs. */
  readonly missingCostPerHour: number
  /** How long until the size is decided again: unmet demand that no tier covers lasts this long, unless `coldStartSeconds` is shorter. */
  readonly periodSeconds: number
  /** How long a unit that no tier holds takes to start; absent where it cannot be had within the period. */
  readonly coldStartSeconds?: number
}
/** Units of a tier are worth holding for demand that is needed with a probability between these. */
export interface TierBand {
  readonly tier: ReadinessTier
  readonly fromProbability: number
  readonly toProbability: number
}

/**
 * Which tier is cheapest for a unit that is needed with probability p: (1 − p)·idle·period + p·missing·lead, the newsvendor's
 * marginal cost (Arrow, Harris & Marschak 1951) with a lead time. The lower envelope over p gives each tier one band, hot
 * ones first; a tier that is never cheapest has none. With one tier of lead 0 the boundary is the familiar
 * p = c_idle / (c_idle + c_missing).
 */
export function tierBands(tiers: readonly ReadinessTier[], costs: SizingCosts): readonly TierBand[] {
  requireTiers(tiers, costs)
  const hours = costs.periodSeconds / 3600
  const lines = [
    ...tiers.map((tier) => ({ tier, lead: tier.leadSeconds, idle: tier.idleCostPerHour })),
    { tier: undefined, lead: Infinity, idle: 0 },
  ].map(({ tier, lead, idle }) => ({
    tier,
    idle: idle * hours,
    missing: (costs.missingCostPerHour * Math.min(lead, costs.coldStartSeconds ?? Infinity, costs.periodSeconds)) / 3600,
  }))
  const bands: TierBand[] = []
  let toProbability = 1
  let current = lines.reduce((best, line) => (line.missing < best.missing || (line.missing === best.missing && line.idle < best.idle) ? line : best))
  while (current.tier !== undefined && toProbability > 0) {
    let next = { line: current, at: -1 }
    for (const line of lines) {
      if (line.idle >= current.idle) continue
      const saved = current.idle - line.idle
      const lost = line.missing - current.missing
      const at = saved + lost <= 0 ? 1 : saved / (saved + lost)
      if (at > next.at || (at === next.at && line.idle < next.line.idle)) next = { line, at }
    }
    if (next.at < 0) {
      // Holding costs no more than not holding: everything that may ever be needed is held.
      bands.push({ tier: current.tier, fromProbability: 0, toProbability })
      break
    }
    if (next.at < toProbability) bands.push({ tier: current.tier, fromProbability: next.at, toProbability })
    toProbability = Math.min(toProbability, next.at)
    current = next.line
  }
  return bands
}

export function requireTiers(tiers: readonly ReadinessTier[], costs: SizingCosts): void {
  if (tiers.length === 0) throw new ForecastError('tiers', 'must not be empty')
  if (new Set(tiers.map((tier) => tier.name)).size !== tiers.length) throw new ForecastError('tiers', 'has a name twice')
  for (const tier of tiers) {
    requireNotNegative(`tiers.${tier.name}.leadSeconds`, tier.leadSeconds)
    requireNotNegative(`tiers.${tier.name}.idleCostPerHour`, tier.idleCostPerHour)
  }
  requirePositive('costs.missingCostPerHour', costs.missingCostPerHour)
  requirePositive('costs.periodSeconds', costs.periodSeconds)
  if (costs.coldStartSeconds !== undefined) requireNotNegative('costs.coldStartSeconds', costs.coldStartSeconds)
}
