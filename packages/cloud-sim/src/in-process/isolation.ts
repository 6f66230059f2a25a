import { isProviderError, providerError } from '@understudy/provider'
import type { Isolation } from '@understudy/provider'
import { creationTags } from '@understudy/provider/adapter-kit'
import type { SecurityGroup } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'

/** Security groups without egress, as EC2 has them. */
export function simIsolation(adapter: SimAdapter): Isolation {
  const { network } = adapter.dc
  const nameOf = (key: string): string => `understudy-${key}`
  const find = async (key: string): Promise<SecurityGroup | undefined> => {
    const filters = [{ name: 'group-name', values: [nameOf(key)] }]
    return (await adapter.call('DescribeSecurityGroups', () => network.describeSecurityGroups({ filters }), { effect: 'read' })).items[0]
  }
  return {
    async ensure(near, { ports }, context) {
      const repeatable = { effect: 'repeatable' } as const
      const nic = near.nics.find(({ primary }) => primary) ?? near.nics[0]
      if (nic === undefined) throw providerError('invalid', 'NoSubnet', `${near.ref.nativeId} is in no subnet.`)
      if ((await find(context.idempotencyKey)) === undefined) {
        const tags = creationTags(context, adapter.installation)
        const create = () => network.createSecurityGroup({ name: nameOf(context.idempotencyKey), vpcId: network.needSubnet(nic.subnet).vpcId, tags })
        await unless('already_exists', adapter.call('CreateSecurityGroup', create, repeatable, context.signal))
      }
      const group = await find(context.idempotencyKey)
      if (group === undefined) throw providerError('unavailable', 'NotVisibleYet', 'The group was made and does not show yet.')
      const { groupId, egress = [], ingress = [] } = group
      if (egress.length > 0) {
        const revoke = () => network.removeRules(groupId, 'egress', egress)
        await unless('not_found', adapter.call('RevokeSecurityGroupEgress', revoke, repeatable, context.signal))
      }
      const missing = ports.filter((port) => !ingress.some(({ fromPort }) => fromPort === port))
      if (missing.length > 0) {
        const rules = missing.map((port) => ({ protocol: 'tcp', fromPort: port, toPort: port, cidr: '10.0.0.0/8' }))
        const authorize = () => network.addRules(groupId, 'ingress', rules)
        await unless('already_exists', adapter.call('AuthorizeSecurityGroupIngress', authorize, repeatable, context.signal))
      }
      return { securityGroups: [groupId] }
    },
    async remove(key, { signal }) {
      const group = await find(key)
      if (group === undefined) return { removed: 0 }
      const remove = () => network.deleteSecurityGroup(group.groupId)
      await unless('not_found', adapter.call('DeleteSecurityGroup', remove, { effect: 'repeatable' }, signal))
      return { removed: 1 }
    },
  }
}

async function unless(kind: 'not_found' | 'already_exists', call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isProviderError(error, kind)) throw error
  }
}
