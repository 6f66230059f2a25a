import type { Instance, PlacementGroup, RunInstancesCommandInput } from '@aws-sdk/client-ec2'
import { isProviderError, providerError } from '@understudy/provider'
import type { CloneSpec, HostGroup, ResourceDna } from '@understudy/provider'
import type { Adapter } from './adapter.ts'

/** Of Dedicated Hosts that are in no host resource group: those of the account in the zone that take launches which name no host. */
const ownHosts = 'tenancy:host'
const strategies: Readonly<Record<string, HostGroup['strategy']>> = { cluster: 'together', spread: 'apart', partition: 'partitions' }
/** Of instances whose group EC2 has not described: as few as a group can have and still keep two apart. */
const partitionsAtLeast = 2

/**
 * The placement group of an instance, which says how it is placed. One call, for instances that are in one only. Credentials that may not
 * ask know the group's name from the instance and nothing more.
 */
export async function placementGroupOf({ calls }: Adapter, { Placement: placement }: Instance): Promise<PlacementGroup | undefined> {
  const name = placement?.GroupName
  if (name === undefined || name === '') return undefined
  try {
    const { PlacementGroups: [group] = [] } = await calls.describePlacementGroups({ Filters: [{ Name: 'group-name', Values: [name] }] })
    return group
  } catch (error) {
    if (isProviderError(error, 'unauthorized')) return undefined
    throw error
  }
}

/** Dedicated Hosts, or a placement group: an instance cannot have both. Pure. */
export function hostGroupOf({ Placement: placement = {} }: Instance, group: PlacementGroup | undefined): HostGroup | undefined {
  // Shared and dedicated tenancy never land on a Dedicated Host.
  if (placement.Tenancy === 'host') return { id: placement.HostResourceGroupArn ?? ownHosts, strategy: 'own-hosts', separable: true }
  if (placement.GroupName === undefined || placement.GroupName === '') return undefined
  const strategy = group?.Strategy === undefined ? undefined : strategies[group.Strategy]
  const separable = strategy === 'apart' || (strategy === 'partitions' && (group?.PartitionCount ?? 0) >= partitionsAtLeast)
  return { id: placement.GroupName, ...(strategy === undefined ? {} : { strategy }), separable }
}

type Placing = Pick<RunInstancesCommandInput, 'Placement'>

/**
 * Where a clone goes. The zone follows the subnet; host, affinity and reservations are never copied; by default a placement group is, within
 * the source's zone. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html
 */
export function placementOf(source: ResourceDna, spec: CloneSpec): Placing {
  const { zone, group, tenancy, hostGroup } = source.placement
  const isHere = zone === spec.zone
  if (spec.hosts === 'same-group') {
    if (hostGroup === undefined)
      throw providerError('unsupported', 'NoHostGroup', 'The source is bound to no placement group and to no Dedicated Host.')
    if (!isHere)
      throw providerError('invalid', 'HostGroupElsewhere', `The source and its group of hosts are in ${zone ?? 'no zone'}, not in ${spec.zone}.`)
    return hostGroup.strategy === 'own-hosts' ? onOwnHosts(hostGroup) : inGroup(hostGroup.id, tenancy)
  }
  if (spec.hosts === 'separate' && isHere) return apart(source)
  return inGroup(isHere ? group : undefined, tenancy)
}

/** Which of its hosts: a resource group chooses, or EC2 among those with auto-placement. */
const onOwnHosts = ({ id }: HostGroup): Placing => ({
  Placement: { Tenancy: 'host', ...(id === ownHosts ? {} : { HostResourceGroupArn: id }) },
})

function inGroup(group: string | undefined, tenancy: string | undefined): Placing {
  const isDedicated = tenancy === 'dedicated'
  const isGrouped = group !== undefined && group !== ''
  if (!isDedicated && !isGrouped) return {}
  return { Placement: { ...(isDedicated ? { Tenancy: 'dedicated' as const } : {}), ...(isGrouped ? { GroupName: group } : {}) } }
}

/** In the zone of the source, and on other hardware for certain. */
function apart({ placement: { hostGroup, tenancy }, native }: ResourceDna): Placing {
  if (hostGroup?.separable !== true) {
    const message = 'EC2 promises no other hardware in the zone of the source: only a spread or partition placement group does, or another zone.'
    throw providerError('unsupported', 'NotSeparable', message)
  }
  if (hostGroup.strategy === 'own-hosts') return {}
  const { Placement: placement } = inGroup(hostGroup.id, tenancy)
  if (hostGroup.strategy !== 'partitions') return { Placement: { ...placement } }
  // The partition after the source's: it follows from the arguments, as a repeated launch has to.
  const count = Number(native['partitionCount'] ?? partitionsAtLeast)
  return { Placement: { ...placement, PartitionNumber: (Number(native['partitionNumber'] ?? 1) % count) + 1 } }
}
