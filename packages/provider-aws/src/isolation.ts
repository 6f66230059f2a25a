import type { IpPermission, SecurityGroup } from '@aws-sdk/client-ec2'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, Isolation, ResourceDna } from '@understudy/provider'
import { creationTags } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { repeatWithToken } from './repeat.ts'
import { writeTags } from './tags.ts'

/** Security groups without egress. EC2 gives every new one a rule that lets everything out, which is taken away again. */
export function awsIsolation(adapter: Adapter): Isolation {
  return {
    async ensure(near, { ports }, context) {
      const group = (await groupOf(adapter, context.idempotencyKey)) ?? (await make(adapter, near, context))
      const GroupId = group.GroupId ?? ''
      const egress = (group.IpPermissionsEgress ?? []).map((rule) => withoutNames(rule))
      if (egress.length > 0) await unless('not_found', adapter.calls.revokeSecurityGroupEgress({ GroupId, IpPermissions: egress }, context.signal))
      const missing = ports.filter((port) => !(group.IpPermissions ?? []).some(({ FromPort, ToPort }) => FromPort === port && ToPort === port))
      if (missing.length > 0) {
        const rules = missing.map((port) => ({ IpProtocol: 'tcp', FromPort: port, ToPort: port, IpRanges: privateRanges }))
        await unless('already_exists', adapter.calls.authorizeSecurityGroupIngress({ GroupId, IpPermissions: rules }, context.signal))
      }
      return { securityGroups: [GroupId] }
    },
    async remove(idempotencyKey, { signal }) {
      const group = await groupOf(adapter, idempotencyKey)
      if (group === undefined) return { removed: 0 }
      await unless('not_found', adapter.calls.deleteSecurityGroup({ GroupId: group.GroupId ?? '' }, signal))
      return { removed: 1 }
    },
  }
}

/** RFC 1918 and RFC 6598: where probes come from inside of a network. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].map((CidrIp) => ({ CidrIp }))

const nameOf = (key: string): string => `understudy-${key}`

/** By its name, which follows from the key: EC2 refuses a second group of that name in the network. */
async function groupOf({ calls }: Adapter, key: string): Promise<SecurityGroup | undefined> {
  const { SecurityGroups: [group] = [] } = await calls.describeSecurityGroups({ Filters: [{ Name: 'group-name', Values: [nameOf(key)] }] })
  return group
}

async function make(adapter: Adapter, near: ResourceDna, context: CallContext): Promise<SecurityGroup> {
  const subnet = (near.nics.find(({ primary }) => primary) ?? near.nics[0])?.subnet
  if (subnet === undefined) throw providerError('invalid', 'NoSubnet', `${near.ref.nativeId} is in no subnet.`)
  const { Subnets: [found] = [] } = await adapter.calls.describeSubnets({ SubnetIds: [subnet] })
  const input = {
    GroupName: nameOf(context.idempotencyKey),
    Description: 'Understudy: a clone that speaks to nobody',
    VpcId: found?.VpcId ?? '',
    TagSpecifications: [{ ResourceType: 'security-group' as const, Tags: writeTags(creationTags(context, adapter.installation)) }],
  }
  // Repeated after a lost answer it is refused as a duplicate, which says that it is there.
  await repeatWithToken(adapter, () => unless('already_exists', adapter.calls.createSecurityGroup(input, context.signal)), context.signal)
  const made = await groupOf(adapter, context.idempotencyKey)
  if (made === undefined) throw providerError('unavailable', 'NotVisibleYet', 'EC2 has made the security group and does not show it yet.')
  return made
}

/** Rules are named by what they allow, not by the account whose group they name. */
const withoutNames = ({ UserIdGroupPairs: _pairs, PrefixListIds: _lists, ...rule }: IpPermission): IpPermission => ({
  ...rule,
  ...(rule.Ipv6Ranges?.length === 0 ? { Ipv6Ranges: undefined } : {}),
})

async function unless(kind: 'not_found' | 'already_exists', call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isProviderError(error, kind)) throw error
  }
}
