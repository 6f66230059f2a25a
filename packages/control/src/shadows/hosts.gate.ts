import type { Abilities } from '../cloud/abilities.ts'
import { hostGroupOf } from '../placement/hosts.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import type { TierFault } from './tier.gate.ts'

type Protected = Pick<Resource, 'dna'>

/** Everything that keeps a tier from standing to the hosts of its primary as it says. Pure. */
export function hostFaults(tier: Tier, resource: Protected, cloud: Abilities): readonly TierFault[] {
  if (tier.hosts === undefined || tier.hosts === 'any') return []
  if (tier.readiness === 'cold')
    return [fault('/tier/readiness', 'A cold shadow has no instance that could be on a host. The nearest tier is a parked one.', 'tier')]
  return tier.hosts === 'same-group' ? sameGroupFaults(tier, resource, cloud) : separateFaults(tier, resource, cloud)
}

const fault = (pointer: string, message: string, because: TierFault['because']): TierFault => ({ pointer, message, because })

function sameGroupFaults({ zones, purchase }: Tier, { dna }: Protected, { traits: { hostGroups } }: Abilities): readonly TierFault[] {
  const pointer = '/tier/hosts'
  if (!hostGroups.supported) return [fault(pointer, `${hostGroups.reason} The nearest is separate, in another zone.`, 'cloud')]
  const group = hostGroupOf({ dna })
  if (group === undefined) {
    const message = 'This instance is bound to no group of hosts, as it was last read. The nearest is separate, in another zone.'
    return [fault(pointer, message, 'cloud')]
  }
  const { zone } = dna.placement
  const isHere = zones === 'any' || (zones !== 'other' && zone !== undefined && zones.includes(zone))
  const message = `The group ${group.id} is where the primary is${zone === undefined ? '' : ` (${zone})`}. The nearest tier has zones any, which is then that zone alone.`
  return [
    ...(isHere ? [] : [fault('/tier/zones', message, 'tier')]),
    ...(purchase === 'spot' && group.strategy === 'own-hosts'
      ? [fault('/tier/purchase', `Hosts of one's own (${group.id}) take no interruptible instances. The nearest tier is on-demand.`, 'cloud')]
      : []),
  ]
}

function separateFaults({ zones }: Tier, { dna }: Protected, { market, traits: { hostGroups } }: Abilities): readonly TierFault[] {
  const group = hostGroups.supported ? hostGroupOf({ dna }) : undefined
  if (group?.separable === true) return []
  const { zone } = dna.placement
  const why =
    group === undefined
      ? 'The instance is bound to no group that keeps its members on separate hosts'
      : `The group ${group.id} does not keep its members on separate hosts`
  if (zone === undefined)
    return [fault('/tier/hosts', `${why}, and it is in no zone, so that no zone is another one. Leave hosts out, or ask for any.`, 'cloud')]
  if (!market) return [fault('/tier/hosts', `${why}, and the cloud names no other zone than ${zone}. Leave hosts out, or ask for any.`, 'cloud')]
  if (typeof zones === 'string' || zones.some((named) => named !== zone)) return []
  return [fault('/tier/zones', `${why}, and ${zone} is the primary's own zone. The nearest tier has zones other.`, 'tier')]
}
