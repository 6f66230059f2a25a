import type { NetworkSecurityGroup, SecurityRule } from '@azure/arm-network'
import { ownTags } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { Isolation } from '@understudy/provider'
import { creationTags } from '@understudy/provider/adapter-kit'
import { type Adapter, armId, call, found, waiting } from './adapter.ts'
import { nameOf } from './arm-id.ts'
import { traced } from './trace.ts'

/**
 * Network security groups for the one interface of a clone. Azure's own rules, which stand behind ours and cannot be taken away, let everything
 * of the virtual network in and everything out: ours deny it before they are asked.
 * https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview
 */
export function azureIsolation(adapter: Adapter): Isolation {
  const { network } = adapter.clients
  return {
    ensure: (_near, { ports }, context) =>
      traced(context, () =>
        adapter.oneByOne(groupName(context.idempotencyKey), async () => {
          const name = groupName(context.idempotencyKey)
          const present = await groupOf(adapter, context.idempotencyKey)
          const wanted = rulesFor([...new Set([...portsIn(present), ...ports])])
          const id = armId(adapter, 'Microsoft.Network/networkSecurityGroups', name)
          if (present !== undefined && hasAll(present, wanted)) return { securityGroups: [id] }
          const tags = { ...(present?.tags ?? creationTags(context, adapter.installation)) }
          const definition: NetworkSecurityGroup = { location: adapter.scope.region, tags, securityRules: wanted }
          await call(() =>
            network.networkSecurityGroups.beginCreateOrUpdateAndWait(adapter.resourceGroup, name, definition, waiting(adapter, context.signal)),
          )
          return { securityGroups: [id] }
        }),
      ),
    remove: (idempotencyKey, context) =>
      traced(context, async () => {
        if ((await groupOf(adapter, idempotencyKey)) === undefined) return { removed: 0 }
        const name = groupName(idempotencyKey)
        // Refused while an interface is in it.
        await call(() => network.networkSecurityGroups.beginDeleteAndWait(adapter.resourceGroup, name, waiting(adapter, context.signal)))
        return { removed: 1 }
      }),
  }
}

const groupName = (key: string): string => nameOf(key, 'isolated')

async function groupOf(adapter: Adapter, key: string): Promise<NetworkSecurityGroup | undefined> {
  const group = await found(() => adapter.clients.network.networkSecurityGroups.get(adapter.resourceGroup, groupName(key)))
  if (group !== undefined && group.tags?.[ownTags.operation] !== key)
    throw providerError('idempotency_mismatch', 'NameTaken', `The network security group ${groupName(key)} was made by somebody else.`)
  return group
}

/** RFC 1918 and RFC 6598: where probes come from inside of a network. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10']

/** Priorities of rules of one's own; the lower one is asked first. */
const firstPriority = 100
const lastPriority = 4096

const everything = { protocol: '*', sourcePortRange: '*', destinationPortRange: '*', sourceAddressPrefix: '*' } as const

function rulesFor(ports: readonly number[]): SecurityRule[] {
  return [
    ...ports.map((port, index): SecurityRule => {
      return {
        ...{ name: `probe-${port}`, direction: 'Inbound', access: 'Allow', priority: firstPriority + index, protocol: 'Tcp' },
        ...{ sourcePortRange: '*', sourceAddressPrefixes: privateRanges, destinationAddressPrefix: '*', destinationPortRange: String(port) },
      }
    }),
    { name: 'nothing-in', direction: 'Inbound', access: 'Deny', priority: lastPriority, ...everything, destinationAddressPrefix: '*' },
    // Names are resolved by the platform, which `*` does not mean.
    {
      name: 'no-names',
      direction: 'Outbound',
      access: 'Deny',
      priority: lastPriority - 1,
      ...everything,
      destinationAddressPrefix: 'AzurePlatformDNS',
    },
    { name: 'nothing-out', direction: 'Outbound', access: 'Deny', priority: lastPriority, ...everything, destinationAddressPrefix: '*' },
  ]
}

const portsIn = (group: NetworkSecurityGroup | undefined): number[] =>
  (group?.securityRules ?? []).flatMap(({ name }) => (name?.startsWith('probe-') === true ? [Number(name.slice('probe-'.length))] : []))

/** A half-made group, or one that a person has opened, is made whole again. */
function hasAll({ securityRules = [], provisioningState }: NetworkSecurityGroup, wanted: readonly SecurityRule[]): boolean {
  return (
    provisioningState === 'Succeeded' &&
    securityRules.length === wanted.length &&
    wanted.every(({ name, access, direction, priority, destinationPortRange, destinationAddressPrefix }) =>
      securityRules.some(
        (rule) =>
          rule.name === name &&
          rule.access === access &&
          rule.direction === direction &&
          rule.priority === priority &&
          rule.destinationPortRange === destinationPortRange &&
          rule.destinationAddressPrefix === destinationAddressPrefix,
      ),
    )
  )
}
