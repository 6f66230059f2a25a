import type { HostGroup, InstanceRef } from '@understudy/provider'
import type { HostGroupWorld } from '@understudy/provider/conformance'
import type { RunInstancesInput } from '../datacentre/api.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'

type Strategy = NonNullable<HostGroup['strategy']>
type Placing = Pick<RunInstancesInput, 'placementGroup' | 'hostGroup'>

const native = { 'own-hosts': 'own-hosts', together: 'cluster', apart: 'spread', partitions: 'partition' } as const

/** Groups of hosts for the conformance suite; `launch` makes a running instance in `zone` with what it is given. */
export function hostGroupWorld(
  dc: DataCentre,
  zone: string,
  launch: (placing: Placing) => Promise<InstanceRef>,
  strategies: readonly Strategy[] = ['own-hosts', 'together', 'apart', 'partitions'],
): HostGroupWorld {
  let made = 0
  const groupOf = ({ nativeId }: InstanceRef): string | undefined => {
    const instance = dc.instances.get(nativeId)
    return instance?.hostGroup ?? instance?.placementGroup
  }
  const known = (member: InstanceRef): string => groupOf(member) ?? 'a group that there is not'
  return {
    strategies,
    async makeMember(strategy) {
      const name = `${strategy}-${++made}`
      // Of own hosts a group has a name of its own kind, which only a resource group has.
      const group = strategy === 'own-hosts' ? `arn:aws:resource-groups:${dc.region}:${dc.accountId}:group/${name}` : name
      dc.hostGroups.create({ name: group, strategy: native[strategy], ...(strategy === 'own-hosts' ? { zone } : {}) })
      return await launch(strategy === 'own-hosts' ? { hostGroup: group } : { placementGroup: group })
    },
    fill: (member) => dc.hostGroups.setRoom(known(member), 1),
    forget: (member) => dc.hostGroups.remove(known(member)),
    hardwareOf: ({ nativeId }) => dc.hostGroups.hardwareOf(nativeId),
    groupOf,
  }
}
