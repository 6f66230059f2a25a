import type { DataCentre } from '../../datacentre/datacentre.ts'
import type { Instance, NetworkInterface } from '../../datacentre/types.ts'
import type { XmlObject } from '../call.ts'
import { at, stateView, tagSet } from './common.ts'

/** One instance as DescribeInstances and RunInstances show it. Element names: EC2 API reference, data type Instance. */
export function instanceView(dataCentre: DataCentre, instance: Instance, state = dataCentre.instances.seenState(instance)): XmlObject {
  const [primary] = instance.nics
  const windows = instance.platform === 'windows'
  return {
    instanceId: instance.instanceId,
    imageId: instance.imageId,
    instanceState: stateView(state),
    privateDnsName: instance.privateDnsName,
    dnsName: publicDnsName(dataCentre, instance.publicIp) ?? '',
    reason: instance.stateTransitionReason,
    keyName: instance.keyName,
    amiLaunchIndex: instance.launchIndex,
    productCodes: [],
    instanceType: instance.instanceType,
    launchTime: new Date(instance.launchTimeMs),
    placement: {
      availabilityZone: instance.zone,
      availabilityZoneId: zoneIdOf(dataCentre, instance.zone),
      groupName: instance.placementGroup ?? '',
      groupId: instance.placementGroup === undefined ? undefined : dataCentre.hostGroups.find(instance.placementGroup)?.groupId,
      partitionNumber: instance.partition,
      tenancy: instance.tenancy,
      hostId: instance.hostId,
      // Hosts that are in no resource group have no ARN of one.
      hostResourceGroupArn: instance.hostGroup?.startsWith('arn:') ? instance.hostGroup : undefined,
    },
    platform: windows ? 'windows' : undefined,
    monitoring: { state: instance.monitoring },
    subnetId: instance.subnetId,
    vpcId: instance.vpcId,
    privateIpAddress: instance.privateIp,
    ipAddress: instance.publicIp,
    sourceDestCheck: primary?.sourceDestCheck,
    groupSet: groupSet(dataCentre, instance.securityGroupIds),
    stateReason: instance.stateReason ? { ...instance.stateReason } : undefined,
    architecture: instance.architecture,
    rootDeviceType: 'ebs',
    rootDeviceName: instance.rootDeviceName,
    blockDeviceMapping: instance.blockDevices.map((device) => ({
      deviceName: device.deviceName,
      ebs: {
        volumeId: device.volumeId,
        status: dataCentre.storage.getVolume(device.volumeId)?.attachment?.state ?? 'attached',
        attachTime: new Date(device.attachTimeMs),
        deleteOnTermination: device.deleteOnTermination,
      },
    })),
    virtualizationType: 'hvm',
    instanceLifecycle: instance.market === 'spot' ? 'spot' : undefined,
    spotInstanceRequestId: instance.spot?.requestId,
    clientToken: instance.clientToken ?? '',
    tagSet: tagSet(instance.tags),
    hypervisor: 'xen',
    networkInterfaceSet: instance.nics.map((nic) => nicOfInstance(dataCentre, nic)),
    iamInstanceProfile: instance.iamProfileArn === undefined ? undefined : { arn: instance.iamProfileArn, id: profileId(instance.iamProfileArn) },
    ebsOptimized: instance.ebsOptimized,
    enaSupport: true,
    cpuOptions: cpuOptions(dataCentre, instance.instanceType),
    capacityReservationSpecification: { capacityReservationPreference: instance.capacityReservationPreference },
    hibernationOptions: { configured: instance.hibernationConfigured },
    metadataOptions: metadataOptionsView(instance),
    enclaveOptions: { enabled: false },
    bootMode: instance.bootMode,
    platformDetails: windows ? 'Windows' : 'Linux/UNIX',
    usageOperation: windows ? 'RunInstances:0002' : 'RunInstances',
    usageOperationUpdateTime: new Date(instance.createdAtMs),
    privateDnsNameOptions: { hostnameType: 'ip-name', enableResourceNameDnsARecord: false, enableResourceNameDnsAAAARecord: false },
    maintenanceOptions: { autoRecovery: instance.autoRecovery },
    currentInstanceBootMode: instance.bootMode === 'legacy-bios' ? 'legacy-bios' : 'uefi',
  }
}

export const metadataOptionsView = (instance: Instance): XmlObject => ({ state: 'applied', ...instance.metadataOptions })

/** A network interface as DescribeNetworkInterfaces shows it; only there the ids of an address are told. */
export function nicView(dataCentre: DataCentre, nic: NetworkInterface & { readonly instanceId: string }): XmlObject {
  const { attachment, association, ...shared } = nicOfInstance(dataCentre, nic)
  return {
    ...shared,
    association: association && { ...(association as XmlObject), allocationId: nic.allocationId, associationId: nic.associationId },
    availabilityZone: nic.zone,
    requesterManaged: false,
    attachment: { ...(attachment as XmlObject), instanceId: nic.instanceId, instanceOwnerId: dataCentre.accountId }, // built just below
    tagSet: tagSet(nic.tags),
  }
}

function nicOfInstance(dataCentre: DataCentre, nic: NetworkInterface): XmlObject {
  const association =
    nic.publicIp === undefined
      ? undefined
      : {
          publicIp: nic.publicIp,
          publicDnsName: publicDnsName(dataCentre, nic.publicIp),
          ipOwnerId: nic.allocationId === undefined ? 'amazon' : dataCentre.accountId,
        }
  const privateDnsName = `ip-${nic.privateIp.replaceAll('.', '-')}.${dataCentre.region}.compute.internal`
  return {
    networkInterfaceId: nic.networkInterfaceId,
    subnetId: nic.subnetId,
    vpcId: nic.vpcId,
    description: '',
    ownerId: dataCentre.accountId,
    status: 'in-use',
    macAddress: nic.mac,
    privateIpAddress: nic.privateIp,
    privateDnsName,
    sourceDestCheck: nic.sourceDestCheck,
    groupSet: groupSet(dataCentre, nic.securityGroupIds),
    attachment: {
      attachmentId: nic.attachmentId,
      deviceIndex: nic.deviceIndex,
      status: 'attached',
      attachTime: at(nic.attachTimeMs),
      deleteOnTermination: nic.deleteOnTermination,
      networkCardIndex: 0,
    },
    association,
    privateIpAddressesSet: [{ privateIpAddress: nic.privateIp, privateDnsName, primary: true, association }],
    ipv6AddressesSet: [],
    interfaceType: 'interface',
  }
}

export const zoneIdOf = (dataCentre: DataCentre, zone: string): string | undefined => zoneIds(dataCentre, zone)

function groupSet(dataCentre: DataCentre, ids: readonly string[]): XmlObject[] {
  return ids.map((groupId) => ({ groupId, groupName: groupNames(dataCentre, groupId) ?? groupId }))
}

function cpuOptions(dataCentre: DataCentre, instanceType: string): XmlObject | undefined {
  const vcpus = vcpuCounts(dataCentre, instanceType)
  if (vcpus === undefined) return undefined
  const threadsPerCore = vcpus > 1 ? 2 : 1
  return { coreCount: vcpus / threadsPerCore, threadsPerCore }
}

const groupNames = remembered((dataCentre) => dataCentre.network.describeSecurityGroups().items.map((group) => [group.groupId, group.name]))
const zoneIds = remembered((dataCentre) => dataCentre.network.describeZones().items.map((zone) => [zone.name, zone.zoneId]))
const vcpuCounts = remembered((dataCentre) => dataCentre.catalogue.describeInstanceTypes().items.map((type) => [type.instanceType, type.vcpus]))

/** A table that only grows, read again when a name is not in it: a page of a thousand instances asks for the same few. */
function remembered<T>(read: (dataCentre: DataCentre) => [string, T][]): (dataCentre: DataCentre, name: string) => T | undefined {
  const tables = new WeakMap<DataCentre, Map<string, T>>()
  return (dataCentre, name) => {
    let table = tables.get(dataCentre)
    if (!table?.has(name)) {
      table = new Map(read(dataCentre))
      tables.set(dataCentre, table)
    }
    return table.get(name)
  }
}

const publicDnsName = (dataCentre: DataCentre, ip: string | undefined): string | undefined =>
  ip === undefined ? undefined : `ec2-${ip.replaceAll('.', '-')}.${dataCentre.region}.compute.amazonaws.com`

/** Instance profile ids are made from their name: the same profile always has the same id. */
const profileId = (arn: string): string =>
  `AIPA${Buffer.from(arn.slice(arn.lastIndexOf('/') + 1))
    .toString('hex')
    .toUpperCase()
    .padEnd(17, '0')
    .slice(0, 17)}`
