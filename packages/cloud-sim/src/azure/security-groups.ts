import type { JsonObject } from '@understudy/core'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, at, listAt, need, needText, ok, tagsOf, textAt } from './call.ts'
import { checkEtag, etagText } from './etag.ts'
import type { SecurityGroupRecord } from './state.ts'
import { idOf, notFound } from './resource-id.ts'

const type = 'Microsoft.Network/networkSecurityGroups'

export async function putSecurityGroup(call: ArmCall): Promise<ArmReply> {
  const id = idOf(call, type, call.params['name'] ?? '')
  const location = needText(call.body, 'location')
  const rules = rulesIn(call)
  return await call.dataCentre.invoke('NetworkSecurityGroups_CreateOrUpdate', () => {
    const existing = call.state.securityGroups.get(id.toLowerCase())
    checkEtag(call, existing?.etag)
    const record: SecurityGroupRecord = {
      ...{ id, name: call.params['name'] ?? '', location, guid: existing?.guid ?? call.state.newId() },
      ...{ tags: tagsOf(call.body), etag: (existing?.etag ?? 0) + 1, rules },
    }
    call.state.securityGroups.set(id.toLowerCase(), record)
    return ok(groupBody(call, record), existing === undefined ? 201 : 200)
  })
}

/** Refused as Azure refuses rules that cannot stand beside one another. */
function rulesIn({ body }: ArmCall): JsonObject[] {
  const rules = listAt(body, 'properties.securityRules')
  const taken = new Map<string, string>()
  for (const rule of rules) {
    const name = needText(rule, 'name')
    for (const field of ['protocol', 'access', 'direction', 'priority']) need(rule, `properties.${field}`)
    const priority = Number(at(rule, 'properties.priority'))
    if (!Number.isInteger(priority) || priority < 100 || priority > 4096)
      throw new ArmError(
        400,
        'SecurityRuleInvalidPriority',
        `Security rule has invalid Priority. Value provided: ${priority} Allowed range 100-4096.`,
      )
    for (const end of ['source', 'destination']) {
      const prefixes = listOf(rule, `properties.${end}AddressPrefixes`)
      if (textAt(rule, `properties.${end}AddressPrefix`) === undefined && prefixes === 0)
        throw missing(name, `${end}AddressPrefix`, `${end}AddressPrefixes`)
      if (textAt(rule, `properties.${end}PortRange`) === undefined && listOf(rule, `properties.${end}PortRanges`) === 0)
        throw missing(name, `${end}PortRange`, `${end}PortRanges`)
    }
    const place = `${textAt(rule, 'properties.direction') ?? ''} ${priority}`
    const other = taken.get(place)
    if (other !== undefined) {
      const sentence = `Security rule ${name} conflicts with rule ${other}. Rules cannot have the same Priority and Direction. To learn more, see aka.ms/nsgrules.`
      throw new ArmError(400, 'SecurityRuleConflict', sentence)
    }
    taken.set(place, name)
  }
  return rules
}

function listOf(rule: JsonObject, path: string): number {
  const value = at(rule, path)
  return Array.isArray(value) ? value.length : 0
}

const missing = (name: string, one: string, several: string): ArmError =>
  new ArmError(400, 'SecurityRuleParameterMissing', `Security rule ${name} needs ${one} or ${several}.`)

export const getSecurityGroup = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('NetworkSecurityGroups_Get', () => {
    const id = idOf(call, type, call.params['name'] ?? '')
    const record = call.state.securityGroups.get(id.toLowerCase())
    if (record === undefined) throw notFound(id)
    return ok(groupBody(call, record))
  })

export const deleteSecurityGroup = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('NetworkSecurityGroups_Delete', () => {
    const id = idOf(call, type, call.params['name'] ?? '')
    const record = call.state.securityGroups.get(id.toLowerCase())
    if (record === undefined) return { status: 204 }
    const users = usersOf(call, record)
    if (users.length > 0) {
      const sentence = `Network security group ${record.id} cannot be deleted because it is in use by the following resources: ${users.join(', ')}. In order to delete the Network security group, remove the association with the resource(s).`
      throw new ArmError(400, 'InUseNetworkSecurityGroupCannotBeDeleted', sentence)
    }
    call.state.securityGroups.delete(id.toLowerCase())
    return { status: 200 }
  })

/** Ids of the interfaces that are in it. */
const usersOf = ({ state }: ArmCall, { id }: SecurityGroupRecord): string[] =>
  [...state.nics.values()].filter((nic) => textAt(nic.properties, 'networkSecurityGroup.id')?.toLowerCase() === id.toLowerCase()).map((nic) => nic.id)

/** An interface can be in a group only when there is one. */
export function checkSecurityGroup({ state }: ArmCall, nicId: string, properties: JsonObject): void {
  const id = textAt(properties, 'networkSecurityGroup.id')
  if (id !== undefined && !state.securityGroups.has(id.toLowerCase()))
    throw new ArmError(400, 'InvalidResourceReference', `Resource ${id} referenced by resource ${nicId} was not found.`)
}

function groupBody(call: ArmCall, record: SecurityGroupRecord): JsonObject {
  const ruleBody = (rule: JsonObject, kind: 'securityRules' | 'defaultSecurityRules'): JsonObject => ({
    id: `${record.id}/${kind}/${textAt(rule, 'name') ?? ''}`,
    name: textAt(rule, 'name') ?? '',
    type: `${type}/${kind}`,
    etag: etagText(record.etag),
    properties: { ...(at(rule, 'properties') as JsonObject), provisioningState: 'Succeeded' }, // checked when it was given
  })
  const users = usersOf(call, record)
  return {
    ...{ id: record.id, name: record.name, type, location: record.location, tags: record.tags, etag: etagText(record.etag) },
    properties: {
      provisioningState: 'Succeeded',
      resourceGuid: record.guid,
      securityRules: record.rules.map((rule) => ruleBody(rule, 'securityRules')),
      defaultSecurityRules: ownRules.map((rule) => ruleBody(rule, 'defaultSecurityRules')),
      ...(users.length === 0 ? {} : { networkInterfaces: users.map((id) => ({ id })) }),
    },
  }
}

const ownRule = (name: string, direction: string, access: string, priority: number, source: string, destination: string): JsonObject => ({
  name,
  properties: {
    ...{ direction, access, priority, protocol: '*', sourcePortRange: '*', destinationPortRange: '*' },
    ...{ sourceAddressPrefix: source, destinationAddressPrefix: destination },
  },
})

/** Azure's own, which cannot be taken away. https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview#default-security-rules */
const ownRules: readonly JsonObject[] = [
  ownRule('AllowVnetInBound', 'Inbound', 'Allow', 65_000, 'VirtualNetwork', 'VirtualNetwork'),
  ownRule('AllowAzureLoadBalancerInBound', 'Inbound', 'Allow', 65_001, 'AzureLoadBalancer', '*'),
  ownRule('DenyAllInBound', 'Inbound', 'Deny', 65_500, '*', '*'),
  ownRule('AllowVnetOutBound', 'Outbound', 'Allow', 65_000, 'VirtualNetwork', 'VirtualNetwork'),
  ownRule('AllowInternetOutBound', 'Outbound', 'Allow', 65_001, '*', 'Internet'),
  ownRule('DenyAllOutBound', 'Outbound', 'Deny', 65_500, '*', '*'),
]
