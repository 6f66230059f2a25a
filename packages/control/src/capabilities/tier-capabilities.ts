import type { Abilities } from '../cloud/abilities.ts'
import { readinessLevels } from '../resources/resource.ts'
import type { Readiness, Resource, Tier } from '../resources/resource.ts'
import { tierFaults } from '../shadows/tier.gate.ts'

/** Whether `:protect` would take a tier of this kind; the sizes and zones of a tier are its owner's to choose. */
export interface TierCapability {
  readonly readiness: Readiness
  readonly purchase: 'on-demand' | 'spot'
  readonly holdMemory: boolean
  readonly supported: boolean
  readonly reason: string | undefined
}

/** Every kind of tier, with the first reason why one cannot be kept. Pure. */
export function tierCapabilities(resource: Pick<Resource, 'dna' | 'traffic'>, cloud: Abilities): readonly TierCapability[] {
  return readinessLevels.flatMap((readiness) =>
    (['on-demand', 'spot'] as const).flatMap((purchase) =>
      (readiness === 'parked' ? [false, true] : [false]).map((holdMemory) => {
        // A warm one is smaller than its primary; which smaller type, its owner says.
        const tier: Tier = { ...usual, readiness, purchase, holdMemory, instanceType: readiness === 'warm' ? 'smaller' : undefined }
        const reason = tierFaults(tier, resource, cloud)[0]?.message
        return { readiness, purchase, holdMemory, supported: reason === undefined, reason }
      }),
    ),
  )
}

const usual = { shadows: 1, zones: 'other', proofMaxAgeSeconds: 86_400, formerPrimary: 'terminate' } as const
