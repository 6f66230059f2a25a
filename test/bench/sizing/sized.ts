import type { Distribution } from '@understudy/forecast'
import { sizePool } from '@understudy/forecast/sizing'
import type { DemandQuantiles, ReadinessTier, Recalibration, SizingAlternative } from '@understudy/forecast/sizing'

export const nominal = 0.025
export const hot: ReadinessTier = { name: 'hot', leadSeconds: 0, idleCostPerHour: 1 }
export const tiers: readonly ReadinessTier[] = [
  hot,
  { name: 'warm', leadSeconds: 60, idleCostPerHour: 0.4 },
  { name: 'parked', leadSeconds: 600, idleCostPerHour: 0.1 },
]
export const costs = { missingCostPerHour: (1 - nominal) / nominal, periodSeconds: 3600 }

export function sized(demand: DemandQuantiles, accuracy?: Recalibration, of: readonly ReadinessTier[] = [hot]): SizingAlternative {
  return sizePool({ demand, tiers: of, costs, allowsFractions: true, ...(accuracy === undefined ? {} : { accuracy }) }).choice
}

export function atStep({ levels, values }: Distribution, step: number): DemandQuantiles {
  return { levels, values: values[step - 1]! }
}
