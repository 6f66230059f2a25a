import type { BlockDeviceRequest, NetworkInterfaceRequest, RunInstancesInput, TaggableKind } from '../../datacentre/api.ts'
import { SimError } from '../../datacentre/sim-error.ts'
import type { Tags } from '../../datacentre/types.ts'
import type { Call, XmlObject } from '../call.ts'
import { compact } from '../compact.ts'
import { invalidCombination } from '../fault.ts'
import type { Params } from '../params.ts'
import { oneOf, tagSpecifications } from './common.ts'
import { instanceView } from './instance-view.ts'

export function runInstances({ dataCentre, params }: Call): XmlObject {
  const { reservationId, instances } = dataCentre.instances.run(runInput(params, dataCentre.accountId))
  // The call's own answer is never stale: it shows what it has just done.
  return {
    reservationId,
    ownerId: dataCentre.accountId,
    groupSet: [],
    instancesSet: instances.map((instance) => instanceView(dataCentre, instance, instance.state)),
  }
}

function runInput(params: Params, account: string): RunInstancesInput {
  for (const unsupported of ['LaunchTemplate', 'Ipv6AddressCount', 'ElasticGpuSpecification', 'LicenseSpecification'])
    if (params.has(unsupported)) throw new SimError('UnsupportedOperation', `The simulated region does not support ${unsupported}.`)
  const nics = params.list('NetworkInterface')
  if (nics.length > 0 && (params.has('SubnetId') || params.has('SecurityGroupId')))
    throw invalidCombination('Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request')
  const placement = params.child('Placement')
  return compact({
    imageId: params.required('ImageId'),
    instanceType: params.optional('InstanceType') ?? 'm1.small',
    minCount: params.requiredInteger('MinCount'),
    maxCount: params.requiredInteger('MaxCount'),
    clientToken: params.optional('ClientToken'),
    subnetId: params.optional('SubnetId'),
    zone: placement?.optional('AvailabilityZone'),
    securityGroupIds: some(params.texts('SecurityGroupId')),
    privateIp: params.optional('PrivateIpAddress'),
    networkInterfaces: some(nics.map(nicRequest)),
    keyName: params.optional('KeyName'),
    userData: params.optional('UserData'),
    iamProfileArn: profileArn(params, account),
    blockDevices: some(
      params
        .list('BlockDeviceMapping')
        .filter((device) => !device.has('NoDevice'))
        .map(blockDevice),
    ),
    spot: spotPurchase(params),
    hibernationConfigured: params.child('HibernationOptions')?.boolean('Configured'),
    disableApiTermination: params.boolean('DisableApiTermination'),
    disableApiStop: params.boolean('DisableApiStop'),
    shutdownBehavior: oneOf(params, 'InstanceInitiatedShutdownBehavior', ['stop', 'terminate']),
    metadataOptions: metadataOptions(params.child('MetadataOptions')),
    monitoring: params.child('Monitoring')?.boolean('Enabled'),
    tenancy: placement && oneOf(placement, 'Tenancy', ['default', 'dedicated', 'host']),
    placementGroup: placementGroup(placement),
    partition: placement?.integer('PartitionNumber'),
    hostGroup: placement?.optional('HostResourceGroupArn'),
    hostId: placement?.optional('HostId'),
    ebsOptimized: params.boolean('EbsOptimized'),
    cpuCredits: optionOf(params, 'CreditSpecification', 'CpuCredits', ['standard', 'unlimited']),
    autoRecovery: optionOf(params, 'MaintenanceOptions', 'AutoRecovery', ['default', 'disabled']),
    capacityReservationPreference: optionOf(params, 'CapacityReservationSpecification', 'CapacityReservationPreference', ['open', 'none']),
    tags: launchTags(params),
  })
}

function placementGroup(placement: Params | undefined): string | undefined {
  const [name, id] = [placement?.optional('GroupName') || undefined, placement?.optional('GroupId')]
  if (name !== undefined && id !== undefined)
    throw invalidCombination('You may specify either a placement group name or a placement group ID, not both')
  return name ?? id
}

function optionOf<T extends string>(params: Params, group: string, name: string, allowed: readonly T[]): T | undefined {
  const child = params.child(group)
  return child && oneOf(child, name, allowed)
}

const taggable: readonly string[] = ['instance', 'volume', 'network-interface', 'spot-instances-request'] satisfies TaggableKind[]

function launchTags(params: Params): Partial<Record<TaggableKind, Tags>> | undefined {
  const specifications = tagSpecifications(params)
  for (const type of specifications.keys())
    if (!taggable.includes(type)) throw new SimError('InvalidParameterValue', `'${type}' is not a valid taggable resource type for this operation.`)
  return specifications.size === 0 ? undefined : Object.fromEntries(specifications)
}

function profileArn(params: Params, account: string): string | undefined {
  const profile = params.child('IamInstanceProfile')
  const name = profile?.optional('Name')
  return profile?.optional('Arn') ?? (name === undefined ? undefined : `arn:aws:iam::${account}:instance-profile/${name}`)
}

function spotPurchase(params: Params): RunInstancesInput['spot'] {
  const market = params.child('InstanceMarketOptions')
  const type = market && oneOf(market, 'MarketType', ['spot'])
  if (type === undefined) return undefined
  const options = market?.child('SpotOptions')
  if (options === undefined) return {}
  return compact({
    kind: oneOf(options, 'SpotInstanceType', ['one-time', 'persistent']),
    interruptionBehavior: oneOf(options, 'InstanceInterruptionBehavior', ['terminate', 'stop', 'hibernate']),
    maxPrice: options.optional('MaxPrice') || undefined,
  })
}

function blockDevice(device: Params): BlockDeviceRequest {
  const ebs = device.child('Ebs')
  return compact({
    deviceName: device.required('DeviceName'),
    snapshotId: ebs?.optional('SnapshotId'),
    sizeGiB: ebs?.integer('VolumeSize'),
    type: ebs?.optional('VolumeType'),
    iops: ebs?.integer('Iops'),
    throughputMiBps: ebs?.integer('Throughput'),
    encrypted: ebs?.boolean('Encrypted'),
    kmsKeyId: ebs?.optional('KmsKeyId'),
    deleteOnTermination: ebs?.boolean('DeleteOnTermination'),
  })
}

function nicRequest(nic: Params): NetworkInterfaceRequest {
  return compact({
    deviceIndex: nic.requiredInteger('DeviceIndex'),
    subnetId: nic.required('SubnetId'),
    securityGroupIds: some(nic.texts('SecurityGroupId')),
    privateIp: nic.optional('PrivateIpAddress'),
    associatePublicIp: nic.boolean('AssociatePublicIpAddress'),
    deleteOnTermination: nic.boolean('DeleteOnTermination'),
  })
}

export function metadataOptions(options: Params | undefined): RunInstancesInput['metadataOptions'] {
  if (options === undefined) return undefined
  return compact({
    httpTokens: oneOf(options, 'HttpTokens', ['optional', 'required']),
    httpPutResponseHopLimit: options.integer('HttpPutResponseHopLimit'),
    httpEndpoint: oneOf(options, 'HttpEndpoint', ['enabled', 'disabled']),
    httpProtocolIpv6: oneOf(options, 'HttpProtocolIpv6', ['enabled', 'disabled']),
    instanceMetadataTags: oneOf(options, 'InstanceMetadataTags', ['enabled', 'disabled']),
  })
}

const some = <T>(items: readonly T[]): readonly T[] | undefined => (items.length > 0 ? items : undefined)
