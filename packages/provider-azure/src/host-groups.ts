import type { VirtualMachine } from '@azure/arm-compute'
import { providerError } from '@understudy/provider'
import type { CloneSpec, HostGroup, ResourceDna } from '@understudy/provider'

/** Of a dedicated host, the group that it is in. */
const groupOfHost = (hostId: string): string => hostId.replace(/\/hosts\/[^/]+$/i, '')

/**
 * A dedicated host group, an availability set or a proximity placement group: of several the one that binds most. An availability set is made
 * of fault domains, of which Azure chooses one for each machine. https://learn.microsoft.com/azure/virtual-machines/availability-set-overview
 */
export function hostGroupOf({ hostGroup, host, availabilitySet, proximityPlacementGroup }: VirtualMachine): HostGroup | undefined {
  const own = hostGroup?.id ?? (host?.id === undefined ? undefined : groupOfHost(host.id))
  // Machines that name no dedicated host are on none.
  if (own !== undefined) return { id: own, strategy: 'own-hosts', separable: true }
  if (availabilitySet?.id !== undefined) return { id: availabilitySet.id, strategy: 'partitions', separable: true }
  if (proximityPlacementGroup?.id !== undefined) return { id: proximityPlacementGroup.id, strategy: 'together', separable: false }
  return undefined
}

type Placing = Pick<VirtualMachine, 'hostGroup' | 'availabilitySet' | 'proximityPlacementGroup'>

/** A machine in no zone may be in any building of the region; `''` is where its clones are that shall be in none either. */
export const zonesOf = (zone: string): { readonly zones?: string[] } => (zone === '' ? {} : { zones: [zone] })
export const isInGroup = (source: ResourceDna, { hosts, zone }: CloneSpec): boolean => hosts !== undefined && zone === (source.placement.zone ?? '')

/** Where a clone goes. Without `hosts` no group of the source's is kept. In a host group Azure chooses the host, where the group lets it. */
export function placementOf(source: ResourceDna, spec: CloneSpec): Placing {
  const { zone = '', hostGroup } = source.placement
  if (spec.hosts === 'same-group') {
    if (hostGroup === undefined)
      throw providerError('unsupported', 'NoHostGroup', 'The source is in no host group, availability set or proximity placement group.')
    if (zone !== spec.zone) {
      const where = zone === '' ? 'no zone' : `zone ${zone}`
      throw providerError('invalid', 'HostGroupElsewhere', `The source and its group of hosts are in ${where}, not in zone ${spec.zone}.`)
    }
    return inGroup(hostGroup)
  }
  if (spec.hosts !== 'separate' || hostGroup?.strategy === 'own-hosts' || (zone !== '' && zone !== spec.zone)) return {}
  if (hostGroup?.separable === true && zone === spec.zone) return inGroup(hostGroup)
  const message =
    'Azure promises no other hardware there: only another zone than that of the source does, or the fault domains of an availability set.'
  throw providerError('unsupported', 'NotSeparable', message)
}

function inGroup({ id, strategy }: HostGroup): Placing {
  if (strategy === 'own-hosts') return { hostGroup: { id } }
  return strategy === 'partitions' ? { availabilitySet: { id } } : { proximityPlacementGroup: { id } }
}
