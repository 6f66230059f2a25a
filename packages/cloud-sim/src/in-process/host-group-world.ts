import type { HostGroup, InstanceRef } from '@understudy/provider'
import type { HostGroupWorld } from '@understudy/provider/conformance'
import type { RunInstancesInput } from '../datacentre/api.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'

type Strategy = NonNullable<HostGroup['strategy']>
type Placing = Pick<RunInstancesInput, 'placementGroup' | 'hostGroup'>

const native = { 'own-hosts': 'own-hosts', together: 'cluster', apart: 'spread', partitions: 'partition' } as const

/** How a front calls its groups and instances, where it is not by the names that the data centre has. */
interface Naming {
  readonly strategies?: readonly Strategy[]
  nameOf?(strategy: Strategy, name: string): string
  instanceIdOf?(ref: InstanceRef): string
}

/** Groups of hosts for the conformance suite; `launch` makes a running instance in `zone` with what it is given. */
export function hostGroupWorld(
  dc: DataCentre,
  zone: string,
  launch: (placing: Placing, strategy: Strategy) => Promise<InstanceRef>,
  { strategies = ['own-hosts', 'together', 'apart', 'partitions'], nameOf, instanceIdOf = ({ nativeId }) => nativeId }: Naming = {},
): HostGroupWorld {
  let made = 0
  // Of own hosts EC2 has groups of a kind of their own: a resource group.
  const usualName = (strategy: Strategy, name: string): string =>
    strategy === 'own-hosts' ? `arn:aws:resource-groups:${dc.region}:${dc.accountId}:group/${name}` : name
  const groupOf = (ref: InstanceRef): string | undefined => {
    const instance = dc.instances.get(instanceIdOf(ref))
    return instance?.hostGroup ?? instance?.placementGroup
  }
  const known = (member: InstanceRef): string => groupOf(member) ?? 'a group that there is not'
  return {
    strategies,
    async makeMember(strategy) {
      const group = (nameOf ?? usualName)(strategy, `${strategy}-${++made}`)
      dc.hostGroups.create({ name: group, strategy: native[strategy], ...(strategy === 'own-hosts' ? { zone } : {}) })
      return await launch(strategy === 'own-hosts' ? { hostGroup: group } : { placementGroup: group }, strategy)
    },
    fill: (member) => dc.hostGroups.setRoom(known(member), 1),
    forget: (member) => dc.hostGroups.remove(known(member)),
    hardwareOf: (ref) => dc.hostGroups.hardwareOf(instanceIdOf(ref)),
    groupOf,
  }
}
