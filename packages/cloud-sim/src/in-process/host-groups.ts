import { providerError, type CloneSpec, type HostGroup, type ResourceDna } from '@understudy/provider'
import type { RunInstancesInput } from '../datacentre/api.ts'
import type { Instance } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'

const strategies = { cluster: 'together', spread: 'apart', partition: 'partitions', 'own-hosts': 'own-hosts' } as const

/** The group that an instance is bound to, where the cloud whose manners the front takes on has an adapter that reads them. */
export function hostGroupOf({ dc, likeness }: SimAdapter, { placementGroup, hostGroup }: Instance): HostGroup | undefined {
  const name = hostGroup ?? placementGroup
  const group = name === undefined ? undefined : dc.hostGroups.find(name)
  if (group === undefined || !likeness.traits.hostGroups.supported) return undefined
  return { id: group.name, strategy: strategies[group.strategy], separable: group.strategy !== 'cluster' && group.partitions !== 1 }
}

type Placing = Pick<RunInstancesInput, 'placementGroup' | 'partition' | 'hostGroup' | 'tenancy'>

/** Where a clone goes: by default the placement group of its source holds within its zone, and own hosts are not copied. */
export function hostPlacement({ dc }: SimAdapter, { placement, native }: ResourceDna, spec: CloneSpec): Placing {
  const { zone, hostGroup, group } = placement
  const isHere = zone === spec.zone
  const tenancy = placement.tenancy === 'dedicated' ? { tenancy: 'dedicated' as const } : {}
  if (spec.hosts === 'same-group') {
    if (hostGroup === undefined) throw providerError('unsupported', 'NoHostGroup', 'The source is bound to no group of hosts.')
    if (!isHere)
      throw providerError('invalid', 'HostGroupElsewhere', `The group of hosts ${hostGroup.id} is in ${zone ?? 'no zone'}, not in ${spec.zone}.`)
    return hostGroup.strategy === 'own-hosts' ? { hostGroup: hostGroup.id } : { placementGroup: hostGroup.id, ...tenancy }
  }
  if (spec.hosts !== 'separate' || !isHere) return { ...(isHere && group !== undefined ? { placementGroup: group } : {}), ...tenancy }
  if (hostGroup?.separable !== true)
    throw providerError('unsupported', 'NotSeparable', 'In the zone of the source nothing keeps a clone off its hardware for certain.')
  if (hostGroup.strategy === 'own-hosts') return {}
  if (hostGroup.strategy === 'apart') return { placementGroup: hostGroup.id, ...tenancy }
  const count = dc.hostGroups.find(hostGroup.id)?.partitions ?? 2
  return { placementGroup: hostGroup.id, partition: (Number(native['partition'] ?? 1) % count) + 1, ...tenancy }
}
