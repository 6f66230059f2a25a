import type { Address, GroupRule } from '../../datacentre/types.ts'
import type { ActionTable, Call, XmlObject } from '../call.ts'
import { compact } from '../compact.ts'
import { missingParameter } from '../fault.ts'
import { queryOf, tagSet, tagSpecifications } from './common.ts'
import { nicView, zoneIdOf } from './instance-view.ts'

export const networkActions: ActionTable = {
  DescribeSubnets: describeSubnets,
  DescribeVpcs: describeVpcs,
  DescribeSecurityGroups: describeSecurityGroups,
  CreateSecurityGroup: createSecurityGroup,
  DeleteSecurityGroup: ({ dataCentre, params }) => {
    dataCentre.network.deleteSecurityGroup(params.required('GroupId'))
    return { return: true, groupId: params.required('GroupId') }
  },
  AuthorizeSecurityGroupIngress: ({ dataCentre, params }) => {
    dataCentre.network.addRules(params.required('GroupId'), 'ingress', rulesOf(params))
    return { return: true }
  },
  RevokeSecurityGroupEgress: ({ dataCentre, params }) => {
    dataCentre.network.removeRules(params.required('GroupId'), 'egress', rulesOf(params))
    return { return: true }
  },
  DescribeNetworkInterfaces: ({ dataCentre, params }) => {
    const page = dataCentre.network.describeNetworkInterfaces(queryOf(params, 'NetworkInterfaceId'))
    return { networkInterfaceSet: page.items.map((nic) => nicView(dataCentre, nic)), nextToken: page.nextToken }
  },
  AllocateAddress: ({ dataCentre, params }) => {
    const address = dataCentre.network.allocateAddress(tagSpecifications(params).get('elastic-ip'))
    return {
      publicIp: address.publicIp,
      allocationId: address.allocationId,
      domain: address.domain,
      publicIpv4Pool: 'amazon',
      networkBorderGroup: dataCentre.region,
    }
  },
  DescribeAddresses: describeAddresses,
  AssociateAddress: associateAddress,
  DisassociateAddress: ({ dataCentre, params }) => {
    dataCentre.network.disassociateAddress(params.required('AssociationId'))
    return { return: true }
  },
  ReleaseAddress: ({ dataCentre, params }) => {
    dataCentre.network.releaseAddress(params.required('AllocationId'))
    return { return: true }
  },
}

/** Addresses AWS keeps for itself in each subnet. */
const reservedAddresses = 5

function describeSubnets({ dataCentre, params }: Call): XmlObject {
  const page = dataCentre.network.describeSubnets(queryOf(params, 'SubnetId'))
  return {
    subnetSet: page.items.map((subnet) => ({
      subnetId: subnet.subnetId,
      subnetArn: `arn:aws:ec2:${dataCentre.region}:${dataCentre.accountId}:subnet/${subnet.subnetId}`,
      state: 'available',
      ownerId: dataCentre.accountId,
      vpcId: subnet.vpcId,
      cidrBlock: subnet.cidr,
      ipv6CidrBlockAssociationSet: [],
      assignIpv6AddressOnCreation: false,
      availableIpAddressCount: Math.max(0, 2 ** (32 - Number(subnet.cidr.split('/')[1])) - Math.max(reservedAddresses, subnet.nextHost)),
      availabilityZone: subnet.zone,
      availabilityZoneId: zoneIdOf(dataCentre, subnet.zone),
      defaultForAz: dataCentre.network.describeVpcs({ ids: [subnet.vpcId] }).items[0]?.isDefault ?? false,
      mapPublicIpOnLaunch: subnet.mapPublicIpOnLaunch,
      tagSet: tagSet(subnet.tags),
    })),
    nextToken: page.nextToken,
  }
}

function describeVpcs({ dataCentre, params }: Call): XmlObject {
  const page = dataCentre.network.describeVpcs(queryOf(params, 'VpcId'))
  return {
    vpcSet: page.items.map((vpc) => ({
      vpcId: vpc.vpcId,
      ownerId: dataCentre.accountId,
      state: 'available',
      cidrBlock: vpc.cidr,
      cidrBlockAssociationSet: [
        { associationId: vpc.vpcId.replace('vpc-', 'vpc-cidr-assoc-'), cidrBlock: vpc.cidr, cidrBlockState: { state: 'associated' } },
      ],
      dhcpOptionsId: 'default',
      instanceTenancy: 'default',
      isDefault: vpc.isDefault,
      tagSet: tagSet(vpc.tags),
    })),
    nextToken: page.nextToken,
  }
}

const allTraffic: GroupRule = { protocol: '-1', cidr: '0.0.0.0/0' }

const ruleView = ({ protocol, fromPort, toPort, cidr }: GroupRule): XmlObject => ({
  ...compact({ ipProtocol: protocol, fromPort, toPort }),
  ...{ groups: [], ipRanges: [{ cidrIp: cidr }], ipv6Ranges: [], prefixListIds: [] },
})

/** One rule per range, as EC2 keeps them. */
function rulesOf(params: Call['params']): readonly GroupRule[] {
  return params.list('IpPermissions').flatMap((permission) =>
    permission.list('IpRanges').map((range) =>
      compact({
        protocol: permission.required('IpProtocol'),
        fromPort: permission.integer('FromPort'),
        toPort: permission.integer('ToPort'),
        cidr: range.required('CidrIp'),
      }),
    ),
  )
}

function describeSecurityGroups({ dataCentre, params }: Call): XmlObject {
  const query = queryOf(params, 'GroupId')
  const names = params.texts('GroupName')
  const page = dataCentre.network.describeSecurityGroups(
    names.length > 0 ? { ...query, filters: [...(query.filters ?? []), { name: 'group-name', values: names }] } : query,
  )
  return {
    securityGroupInfo: page.items.map((group) => ({
      groupId: group.groupId,
      groupName: group.name,
      groupDescription: group.description,
      securityGroupArn: groupArn(dataCentre, group.groupId),
      ownerId: dataCentre.accountId,
      vpcId: group.vpcId,
      ipPermissions: (group.ingress ?? []).map((rule) => ruleView(rule)),
      ipPermissionsEgress: (group.egress ?? [allTraffic]).map((rule) => ruleView(rule)),
      tagSet: tagSet(group.tags),
    })),
    nextToken: page.nextToken,
  }
}

function createSecurityGroup({ dataCentre, params }: Call): XmlObject {
  const group = dataCentre.network.createSecurityGroup(
    compact({
      name: params.required('GroupName'),
      description: params.required('GroupDescription'),
      vpcId: params.optional('VpcId'),
      tags: tagSpecifications(params).get('security-group'),
    }),
  )
  return { return: true, groupId: group.groupId, securityGroupArn: groupArn(dataCentre, group.groupId), tagSet: tagSet(group.tags) }
}

function describeAddresses({ dataCentre, params }: Call): XmlObject {
  const query = queryOf(params, 'AllocationId')
  const publicIps = params.texts('PublicIp')
  const page = dataCentre.network.describeAddresses(
    publicIps.length > 0 ? { ...query, filters: [...(query.filters ?? []), { name: 'public-ip', values: publicIps }] } : query,
  )
  return { addressesSet: page.items.map((address) => addressView(dataCentre, address)) }
}

function associateAddress({ dataCentre, params }: Call): XmlObject {
  const instanceId = params.optional('InstanceId')
  const networkInterfaceId = params.optional('NetworkInterfaceId')
  if (instanceId === undefined && networkInterfaceId === undefined) throw missingParameter('InstanceId or NetworkInterfaceId')
  const { associationId } = dataCentre.network.associateAddress(
    compact({
      allocationId: params.required('AllocationId'),
      instanceId,
      networkInterfaceId,
      privateIp: params.optional('PrivateIpAddress'),
      allowReassociation: params.boolean('AllowReassociation'),
    }),
  )
  return { return: true, associationId }
}

function addressView(dataCentre: Call['dataCentre'], address: Address): XmlObject {
  return {
    publicIp: address.publicIp,
    allocationId: address.allocationId,
    domain: address.domain,
    instanceId: address.instanceId ?? '',
    associationId: address.associationId,
    networkInterfaceId: address.networkInterfaceId,
    networkInterfaceOwnerId: address.networkInterfaceId === undefined ? undefined : dataCentre.accountId,
    privateIpAddress: address.privateIp,
    publicIpv4Pool: 'amazon',
    networkBorderGroup: dataCentre.region,
    tagSet: tagSet(address.tags),
  }
}

const groupArn = (dataCentre: Call['dataCentre'], groupId: string): string =>
  `arn:aws:ec2:${dataCentre.region}:${dataCentre.accountId}:security-group/${groupId}`
