import { providerError } from '@understudy/provider'
import type { TrafficBinding } from '@understudy/provider'

export interface GroupName {
  readonly zone: string
  readonly name: string
}
/** A global backend service with two unmanaged instance groups, whose shares are set by their capacity. */
export interface LbWeightBinding {
  readonly backendService: string
  readonly groups: readonly [primary: GroupName, standby: GroupName]
}

/** A global backend service with zonal network endpoint groups, of which each member is in that of its zone. */
export interface LbTargetBinding {
  readonly backendService: string
  readonly groups: readonly GroupName[]
  readonly port: number
}
/** A name of a managed zone in Cloud DNS, whose weighted answers are the members' addresses. */
export interface DnsBinding {
  readonly managedZone: string
  /** With its final dot. */
  readonly name: string
  readonly addresses: 'external' | 'internal'
}
/** A reserved external address of the account's region, by its name. */
export interface AddressBinding {
  readonly address: string
}

/** `{ backendService, primaryGroup, standbyGroup }`, groups as `zone/name`: a group is bound to its zone. */
export function readLbWeight({ native }: TrafficBinding): LbWeightBinding {
  const { backendService } = native
  if (typeof backendService !== 'string' || !isName(backendService)) throw invalid('backendService must be the name of a global backend service')
  const groups = [groupIn(native, 'primaryGroup'), groupIn(native, 'standbyGroup')] as const
  if (groups[0].zone === groups[1].zone && groups[0].name === groups[1].name)
    throw invalid('primaryGroup and standbyGroup must differ: capacity is given per group')
  return { backendService, groups }
}

/** `{ backendService, endpointGroups: ['zone/name', …], port }`. */
export function readLbTarget({ native }: TrafficBinding): LbTargetBinding {
  const { backendService, endpointGroups, port } = native
  if (typeof backendService !== 'string' || !isName(backendService)) throw invalid('backendService must be the name of a global backend service')
  if (!Array.isArray(endpointGroups) || endpointGroups.length === 0) throw invalid('endpointGroups must list one group per zone')
  const groups = endpointGroups.map((group: unknown, index) => groupIn({ [`endpointGroups/${index}`]: group }, `endpointGroups/${index}`))
  if (new Set(groups.map(({ zone }) => zone)).size < groups.length) throw invalid('endpointGroups must be in different zones')
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('port must be a whole number from 1 to 65535')
  return { backendService, groups, port }
}

/** `{ managedZone, name, addresses? }`; `addresses` is `external` where it is not said. */
export function readDns({ native: { managedZone, name, addresses = 'external' } }: TrafficBinding): DnsBinding {
  if (typeof managedZone !== 'string' || !isName(managedZone)) throw invalid('managedZone must be the name of a managed zone')
  if (typeof name !== 'string' || !/^([a-z0-9_*]([a-z0-9_-]*[a-z0-9])?\.)+$/i.test(name))
    throw invalid('name must be a DNS name with its final dot, like www.example.com.')
  if (addresses !== 'external' && addresses !== 'internal') throw invalid('addresses must be external or internal')
  return { managedZone, name: name.toLowerCase(), addresses }
}

/** `{ address }`. */
export function readAddress({ native: { address } }: TrafficBinding): AddressBinding {
  if (typeof address !== 'string' || !isName(address)) throw invalid('address must be the name of a reserved address')
  return { address }
}

function groupIn(native: Readonly<Record<string, unknown>>, member: string): GroupName {
  const value = native[member]
  const [zone = '', name = '', ...more] = typeof value === 'string' ? value.split('/') : []
  if (!isName(zone) || !isName(name) || more.length > 0) throw invalid(`${member} must look like europe-west1-b/my-group`)
  return { zone, name }
}

const isName = (text: string): boolean => /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)
const invalid = (what: string) => providerError('invalid', 'InvalidBinding', `The traffic binding is not valid: ${what}.`)
