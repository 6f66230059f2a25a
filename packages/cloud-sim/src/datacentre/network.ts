import type { NetworkApi } from './api.ts'
import { Addresses } from './addresses.ts'
import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import type { Address, GroupRule, NetworkInterface, Page, Query, SecurityGroup, Subnet, Tags, Vpc, Zone } from './types.ts'
import type { World } from './world.ts'

/** Zones, the private network and its addresses. */
export class Network implements NetworkApi {
  readonly #world: World
  readonly #addresses: Addresses

  constructor(world: World) {
    this.#world = world
    this.#addresses = new Addresses(world)
  }

  describeZones(query: Query = {}): Page<Zone> {
    const { zones } = this.#world.state
    return select(query, {
      all: () => zones.values(),
      byId: (id) => zones.get(id),
      notFound: (id) => new SimError('InvalidParameterValue', `Invalid availability zone: [${id}]`),
      field: (zone, name) => ({ 'zone-name': [zone.name], 'zone-id': [zone.zoneId], state: [zone.state], 'region-name': [this.#world.region] })[name],
    })
  }

  describeVpcs(query: Query = {}): Page<Vpc> {
    const { vpcs } = this.#world.state
    return select(query, {
      all: () => vpcs.values(),
      byId: (id) => vpcs.get(id),
      notFound: (id) => new SimError('InvalidVpcID.NotFound', `The vpc ID '${id}' does not exist`),
      tagsOf: (vpc) => vpc.tags,
      field: (vpc, name) =>
        ({
          'vpc-id': [vpc.vpcId],
          cidr: [vpc.cidr],
          'is-default': [String(vpc.isDefault)],
          isDefault: [String(vpc.isDefault)],
          state: ['available'],
        })[name],
    })
  }

  describeSubnets(query: Query = {}): Page<Subnet> {
    const { subnets } = this.#world.state
    return select(query, {
      all: () => subnets.values(),
      byId: (id) => subnets.get(id),
      notFound: subnetNotFound,
      tagsOf: (subnet) => subnet.tags,
      field: (subnet, name) => this.#subnetField(subnet, name),
    })
  }

  describeSecurityGroups(query: Query = {}): Page<SecurityGroup> {
    const { securityGroups } = this.#world.state
    return select(query, {
      all: () => securityGroups.values(),
      byId: (id) => securityGroups.get(id),
      notFound: groupNotFound,
      tagsOf: (group) => group.tags,
      field: (group, name) =>
        ({ 'group-id': [group.groupId], 'group-name': [group.name], 'vpc-id': [group.vpcId], description: [group.description] })[name],
    })
  }

  describeNetworkInterfaces(query: Query = {}): Page<NetworkInterface & { readonly instanceId: string }> {
    const all = function* (world: World): Iterable<NetworkInterface & { readonly instanceId: string }> {
      for (const instance of world.state.instances.values()) for (const nic of instance.nics) yield { ...nic, instanceId: instance.instanceId }
    }
    return select(query, {
      all: () => all(this.#world),
      byId: (id) => [...all(this.#world)].find((nic) => nic.networkInterfaceId === id),
      notFound: (id) => new SimError('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`),
      tagsOf: (nic) => nic.tags,
      field: (nic, name) =>
        ({
          'network-interface-id': [nic.networkInterfaceId],
          'attachment.instance-id': [nic.instanceId],
          'subnet-id': [nic.subnetId],
          'vpc-id': [nic.vpcId],
          'private-ip-address': [nic.privateIp],
          'group-id': nic.securityGroupIds,
          'availability-zone': [nic.zone],
        })[name],
      candidates: (filter) => {
        if (filter.name !== 'attachment.instance-id') return undefined
        return filter.values.flatMap((id) => (this.#world.state.instances.get(id)?.nics ?? []).map((nic) => ({ ...nic, instanceId: id })))
      },
    })
  }

  createSubnet(input: Parameters<NetworkApi['createSubnet']>[0]): Subnet {
    const vpc = input.vpcId === undefined ? this.defaultVpc() : this.#world.state.vpcs.get(input.vpcId)
    if (!vpc) throw new SimError('InvalidVpcID.NotFound', `The vpc ID '${input.vpcId}' does not exist`)
    if (!this.#world.state.zones.has(input.zone))
      throw new SimError('InvalidParameterValue', `Value (${input.zone}) for parameter availabilityZone is invalid.`)
    const subnet: Subnet = {
      subnetId: this.#world.id('subnet'),
      vpcId: vpc.vpcId,
      zone: input.zone,
      cidr: input.cidr,
      nextHost: firstHost,
      freedHosts: [],
      takenAhead: [],
      mapPublicIpOnLaunch: false,
      tags: { ...input.tags },
    }
    parseCidr(subnet.cidr)
    this.#world.state.subnets.set(subnet.subnetId, subnet)
    return subnet
  }

  createSecurityGroup(input: Parameters<NetworkApi['createSecurityGroup']>[0]): SecurityGroup {
    const vpcId = input.vpcId ?? this.defaultVpc().vpcId
    for (const group of this.#world.state.securityGroups.values()) {
      if (group.name === input.name && group.vpcId === vpcId) {
        throw new SimError('InvalidGroup.Duplicate', `The security group '${input.name}' already exists for VPC '${vpcId}'`)
      }
    }
    const group: SecurityGroup = {
      groupId: this.#world.id('sg'),
      name: input.name,
      description: input.description ?? input.name,
      vpcId,
      tags: { ...input.tags },
      // The VPC's own group lets its members in.
      ...(input.name === 'default' ? {} : { ingress: [], egress: [{ protocol: '-1', cidr: '0.0.0.0/0' }] }),
    }
    this.#world.state.securityGroups.set(group.groupId, group)
    return group
  }

  deleteSecurityGroup(groupId: string): void {
    this.#needGroup(groupId)
    for (const instance of this.#world.state.instances.values()) {
      if (instance.state === 'terminated') continue
      if (instance.securityGroupIds.includes(groupId) || instance.nics.some((nic) => nic.securityGroupIds.includes(groupId)))
        throw new SimError('DependencyViolation', `resource ${groupId} has a dependent object`)
    }
    this.#world.state.securityGroups.delete(groupId)
  }

  addRules(groupId: string, direction: 'ingress' | 'egress', rules: readonly GroupRule[]): void {
    const group = this.#needGroup(groupId)
    const present = (group[direction] ??= [])
    const known = rules.find((rule) => present.some((other) => isSameRule(rule, other)))
    if (known !== undefined)
      throw new SimError('InvalidPermission.Duplicate', `the specified rule "peer: ${known.cidr}, ${known.protocol}" already exists`)
    present.push(...rules)
  }

  removeRules(groupId: string, direction: 'ingress' | 'egress', rules: readonly GroupRule[]): void {
    const group = this.#needGroup(groupId)
    const present = group[direction] ?? []
    const unknown = rules.find((rule) => !present.some((other) => isSameRule(rule, other)))
    if (unknown !== undefined) throw new SimError('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.')
    group[direction] = present.filter((rule) => !rules.some((other) => isSameRule(rule, other)))
  }

  letsIn(groupId: string, port: number): boolean {
    const ingress = this.#world.state.securityGroups.get(groupId)?.ingress
    if (ingress === undefined) return true
    return ingress.some(
      ({ protocol, fromPort, toPort }) => protocol === '-1' || (protocol === 'tcp' && (fromPort ?? 0) <= port && port <= (toPort ?? 65_535)),
    )
  }

  #needGroup(groupId: string): SecurityGroup {
    const group = this.#world.state.securityGroups.get(groupId)
    if (group === undefined) throw groupNotFound(groupId)
    return group
  }

  /** Makes the VPC of the region with one subnet per zone, as every account has by default. */
  createDefaultVpc(): Vpc {
    const vpc: Vpc = { vpcId: this.#world.id('vpc'), cidr: '10.0.0.0/16', isDefault: true, tags: {} }
    this.#world.state.vpcs.set(vpc.vpcId, vpc)
    const zones = [...this.#world.state.zones.keys()]
    // Subnets as large as the number of zones allows, so that ten thousand instances find addresses.
    const bits = Math.ceil(Math.log2(Math.max(2, zones.length + 1)))
    zones.forEach((zone, index) => {
      const subnet = this.createSubnet({ zone, vpcId: vpc.vpcId, cidr: `${formatIp((10 << 24) + index * 2 ** (16 - bits))}/${16 + bits}` })
      subnet.mapPublicIpOnLaunch = true
    })
    this.createSecurityGroup({ name: 'default', description: 'default VPC security group', vpcId: vpc.vpcId })
    return vpc
  }

  defaultVpc(): Vpc {
    for (const vpc of this.#world.state.vpcs.values()) if (vpc.isDefault) return vpc
    throw new SimError('VPCIdNotSpecified', 'No default VPC for this user.')
  }

  needSubnet(subnetId: string): Subnet {
    const subnet = this.#world.state.subnets.get(subnetId)
    if (!subnet) throw subnetNotFound(subnetId)
    return subnet
  }

  defaultSubnet(zone: string | undefined): Subnet {
    const vpcId = this.defaultVpc().vpcId
    const zoneName = zone ?? [...this.#world.state.zones.keys()][0]
    if (zoneName === undefined || !this.#world.state.zones.has(zoneName)) {
      throw new SimError('InvalidParameterValue', `Invalid availability zone: [${zoneName}]`)
    }
    for (const subnet of this.#world.state.subnets.values()) if (subnet.vpcId === vpcId && subnet.zone === zoneName) return subnet
    throw new SimError('MissingInput', `No default subnet for availability zone: '${zoneName}'.`)
  }

  needGroups(groupIds: readonly string[], vpcId: string): string[] {
    for (const id of groupIds) {
      const group = this.#world.state.securityGroups.get(id)
      if (!group) throw groupNotFound(id)
      if (group.vpcId !== vpcId) throw new SimError('InvalidParameter', `Security group ${id} and subnet belong to different networks.`)
    }
    return [...groupIds]
  }

  defaultGroup(vpcId: string): string[] {
    for (const group of this.#world.state.securityGroups.values()) if (group.vpcId === vpcId && group.name === 'default') return [group.groupId]
    return []
  }

  /** Throws unless the subnet has this many addresses left. */
  checkFree(subnet: Subnet, count: number): void {
    const left = Math.max(0, parseCidr(subnet.cidr).size - 1 - subnet.nextHost - subnet.takenAhead.length) + subnet.freedHosts.length
    if (left >= count) return
    throw new SimError('InsufficientFreeAddressesInSubnet', 'The specified subnet does not have enough free addresses to satisfy the request.')
  }

  /** Throws unless this very address belongs to the subnet and is nobody's. */
  checkWanted(subnet: Subnet, ip: string): void {
    const { base, size } = parseCidr(subnet.cidr)
    const host = parseIp(ip) - base
    if (host < firstHost || host >= size - 1)
      throw new SimError('InvalidParameterValue', `Address ${ip} does not fall within the subnet's address range`)
    for (const instance of this.#world.state.instances.values()) {
      if (instance.nics.some((nic) => nic.privateIp === ip)) throw new SimError('InvalidIPAddress.InUse', `Address ${ip} is in use.`)
    }
  }

  /** Hands out `wanted`, which has been checked, or the next free address that nobody has asked for by name. */
  takePrivateIp(subnet: Subnet, wanted?: string): string {
    const { base, size } = parseCidr(subnet.cidr)
    if (wanted !== undefined) {
      const host = parseIp(wanted) - base
      if (host >= subnet.nextHost) subnet.takenAhead.push(host)
      else subnet.freedHosts = subnet.freedHosts.filter((freed) => freed !== host)
      return wanted
    }
    while (subnet.takenAhead.includes(subnet.nextHost)) {
      const { nextHost } = subnet
      subnet.takenAhead = subnet.takenAhead.filter((taken) => taken !== nextHost)
      subnet.nextHost++
    }
    const host = subnet.nextHost < size - 1 ? subnet.nextHost++ : subnet.freedHosts.shift()
    if (host === undefined) {
      throw new SimError('InsufficientFreeAddressesInSubnet', `The specified subnet does not have enough free addresses to satisfy the request.`)
    }
    return formatIp(base + host)
  }

  freePrivateIp(subnetId: string, ip: string): void {
    const subnet = this.#world.state.subnets.get(subnetId)
    if (!subnet) return
    const host = parseIp(ip) - parseCidr(subnet.cidr).base
    // One that its turn has not reached yet will be handed out in turn.
    if (host >= subnet.nextHost) subnet.takenAhead = subnet.takenAhead.filter((taken) => taken !== host)
    else subnet.freedHosts.push(host)
  }

  /** An address of the pool from which instances get public addresses (RFC 2544's benchmark range). */
  newPublicIp(): string {
    return this.#addresses.newPublicIp()
  }

  /** A terminated instance loses its Elastic IP. */
  releaseFrom(instanceId: string): void {
    this.#addresses.releaseFrom(instanceId)
  }

  allocateAddress(tags?: Tags): Address {
    return this.#addresses.allocate(tags)
  }

  associateAddress(input: Parameters<NetworkApi['associateAddress']>[0]): { readonly associationId: string } {
    return this.#addresses.associate(input)
  }

  disassociateAddress(associationId: string): void {
    this.#addresses.disassociate(associationId)
  }

  releaseAddress(allocationId: string): void {
    this.#addresses.release(allocationId)
  }

  describeAddresses(query: Query = {}): Page<Address> {
    return this.#addresses.describe(query)
  }

  #subnetField(subnet: Subnet, name: string): readonly string[] | undefined {
    return {
      'subnet-id': [subnet.subnetId],
      'vpc-id': [subnet.vpcId],
      'availability-zone': [subnet.zone],
      availabilityZone: [subnet.zone],
      'availability-zone-id': [this.#world.state.zones.get(subnet.zone)?.zoneId ?? ''],
      'cidr-block': [subnet.cidr],
      cidr: [subnet.cidr],
      state: ['available'],
      'default-for-az': [String(subnet.vpcId === this.defaultVpc().vpcId)],
    }[name]
  }
}

/** EC2 keeps the first four addresses and the last one of each block. */
const firstHost = 4

const subnetNotFound = (id: string): SimError => new SimError('InvalidSubnetID.NotFound', `The subnet ID '${id}' does not exist`)
const groupNotFound = (id: string): SimError => new SimError('InvalidGroup.NotFound', `The security group '${id}' does not exist`)

export function parseIp(ip: string): number {
  const parts = ip.split('.').map(Number)
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
    throw new SimError('InvalidParameterValue', `Invalid IPv4 address: ${ip}`)
  }
  return parts.reduce((value, part) => value * 256 + part, 0)
}

export const formatIp = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')

export function parseCidr(cidr: string): { readonly base: number; readonly size: number } {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(cidr)
  const bits = Number(match?.[2])
  if (!match || bits < 16 || bits > 28) throw new SimError('InvalidParameterValue', `Value (${cidr}) for parameter cidrBlock is invalid.`)
  return { base: parseIp(match[1] ?? ''), size: 2 ** (32 - bits) }
}

const isSameRule = (a: GroupRule, b: GroupRule): boolean =>
  a.protocol === b.protocol && a.fromPort === b.fromPort && a.toPort === b.toPort && a.cidr === b.cidr
