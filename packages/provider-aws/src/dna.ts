import type { Instance, InstanceNetworkInterface, PlacementGroup, SpotInstanceRequest, Volume } from '@aws-sdk/client-ec2'
import type { Json, JsonObject } from '@understudy/core'
import { fingerprintOf } from '@understudy/provider'
import type { DiskDna, NicDna, ResourceDna, Scope } from '@understudy/provider'
import { diskRef, instanceRef } from './adapter.ts'
import { hostGroupOf } from './host-groups.ts'
import { powerStateOf, purchaseOf, stateReasonOf } from './instance-state.ts'
import type { InstanceSize } from './instance-types.ts'
import { readTags } from './tags.ts'

/** What `DescribeInstances` leaves out; each costs a call of its own. */
export interface InstanceAttributes {
  readonly userData?: string
  readonly terminateProtected: boolean
  readonly stopProtected: boolean
  readonly shutdownBehavior?: string
}
export interface DescribedInstance {
  readonly instance: Instance
  readonly volumes: readonly Volume[]
  readonly attributes: InstanceAttributes
  readonly size: InstanceSize | undefined
  readonly spotRequest: SpotInstanceRequest | undefined
  readonly cpuCredits: string | undefined
  readonly placementGroup: PlacementGroup | undefined
}

/** The complete definition, from everything EC2 was asked. Pure. */
export function dnaOf(scope: Scope, seen: DescribedInstance): ResourceDna {
  const { instance, attributes, size, spotRequest } = seen
  const tags = readTags(instance.Tags)
  const { Placement: placement = {}, MetadataOptions: metadata } = instance
  const stateReason = stateReasonOf(instance)
  const dna: Omit<ResourceDna, 'fingerprint'> = {
    dnaVersion: 1,
    ref: instanceRef(scope, instance.InstanceId ?? '', placement.AvailabilityZone),
    nativeName: tags['Name'] ?? instance.InstanceId ?? '',
    state: powerStateOf(instance),
    nativeState: instance.State?.Name ?? 'unknown',
    ...(stateReason === undefined ? {} : { stateReason }),
    ...maybe('image', instance.ImageId),
    os: {
      family: instance.Platform?.toLowerCase() === 'windows' ? 'windows' : 'linux',
      arch: instance.Architecture === 'arm64' ? 'arm64' : 'x86_64',
    },
    size: { type: instance.InstanceType ?? '', vcpus: size?.vcpus ?? vcpusOf(instance), memoryMiB: size?.memoryMiB ?? 0 },
    purchase: purchaseOf(instance),
    ...(instance.InstanceLifecycle === 'spot' ? { spot: spotOf(instance, spotRequest) } : {}),
    disks: disksOf(scope, instance, seen.volumes),
    nics: nicsOf(instance),
    ...maybe('identity', instance.IamInstanceProfile?.Arn),
    ...maybe('userData', attributes.userData),
    ...maybe('keyName', instance.KeyName),
    tags,
    placement: {
      ...maybe('zone', placement.AvailabilityZone),
      ...maybe('tenancy', placement.Tenancy),
      ...maybe('group', placement.GroupName),
      ...maybe('hostId', placement.HostId),
      ...maybe('hostGroup', hostGroupOf(instance, seen.placementGroup)),
    },
    ...(metadata === undefined
      ? {}
      : {
          metadataService: {
            tokensRequired: metadata.HttpTokens === 'required',
            ...maybe('hopLimit', metadata.HttpPutResponseHopLimit),
            enabled: metadata.HttpEndpoint !== 'disabled',
          },
        }),
    protection: { terminate: attributes.terminateProtected, stop: attributes.stopProtected },
    holdEnabled: instance.HibernationOptions?.Configured ?? false,
    native: nativeOf(seen),
    unknowable: [],
  }
  return { ...dna, fingerprint: fingerprintOf(dna) }
}

const vcpusOf = (instance: Instance): number => (instance.CpuOptions?.CoreCount ?? 0) * (instance.CpuOptions?.ThreadsPerCore ?? 0)

const spotOf = (instance: Instance, request: SpotInstanceRequest | undefined): NonNullable<ResourceDna['spot']> => ({
  ...maybe('maxPrice', request?.SpotPrice),
  onInterruption: request?.InstanceInterruptionBehavior ?? 'terminate',
  ...maybe('requestId', instance.SpotInstanceRequestId),
})

function disksOf(scope: Scope, instance: Instance, volumes: readonly Volume[]): DiskDna[] {
  return volumes
    .map((volume): DiskDna => {
      const attachment = volume.Attachments?.find(({ InstanceId }) => InstanceId === instance.InstanceId)
      const deviceKey = attachment?.Device ?? ''
      return {
        ref: diskRef(scope, volume.VolumeId ?? '', volume.AvailabilityZone),
        role: deviceKey === instance.RootDeviceName ? 'root' : 'data',
        deviceKey,
        sizeGiB: volume.Size ?? 0,
        type: volume.VolumeType ?? '',
        ...maybe('iops', volume.Iops),
        ...maybe('throughputMiBps', volume.Throughput),
        encrypted: volume.Encrypted ?? false,
        ...maybe('kmsKey', volume.KmsKeyId),
        deleteWithInstance: attachment?.DeleteOnTermination ?? false,
        ...maybe('sourceSnapshot', volume.SnapshotId),
      }
    })
    .toSorted((a, b) => (a.role === b.role ? (a.deviceKey < b.deviceKey ? -1 : 1) : a.role === 'root' ? -1 : 1))
}

const nicsOf = (instance: Instance): NicDna[] =>
  (instance.NetworkInterfaces ?? [])
    .toSorted((a, b) => (a.Attachment?.DeviceIndex ?? 0) - (b.Attachment?.DeviceIndex ?? 0))
    .map((nic): NicDna => {
      const publicIp = publicIpOf(nic)
      return {
        nativeId: nic.NetworkInterfaceId ?? '',
        primary: (nic.Attachment?.DeviceIndex ?? 0) === 0,
        subnet: nic.SubnetId ?? '',
        securityGroups: (nic.Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
        privateIps: (nic.PrivateIpAddresses ?? []).flatMap(({ PrivateIpAddress }) => PrivateIpAddress ?? []),
        ...maybe('publicIp', publicIp),
        ...maybe('sourceDestCheck', nic.SourceDestCheck),
      }
    })

function publicIpOf(nic: InstanceNetworkInterface): NicDna['publicIp'] {
  const { PublicIp, IpOwnerId } = nic.Association ?? {}
  if (PublicIp === undefined || PublicIp === '') return undefined
  // Addresses from the pool belong to `amazon`; an Elastic IP to its account.
  return { ip: PublicIp, ephemeral: IpOwnerId === undefined || IpOwnerId === 'amazon' }
}

/** Settings with no neutral counterpart that a lossless clone repeats. Only what can be given to RunInstances. */
function nativeOf({ instance, attributes, cpuCredits, placementGroup }: DescribedInstance): JsonObject {
  const dnsName = instance.PrivateDnsNameOptions
  return plain({
    vpcId: instance.VpcId,
    rootDeviceName: instance.RootDeviceName,
    bootMode: instance.BootMode,
    launchTime: instance.LaunchTime,
    ebsOptimized: instance.EbsOptimized,
    monitoring: instance.Monitoring?.State === 'enabled' || instance.Monitoring?.State === 'pending',
    cpuOptions: instance.CpuOptions,
    cpuCredits,
    enclave: instance.EnclaveOptions?.Enabled,
    autoRecovery: instance.MaintenanceOptions?.AutoRecovery,
    privateDnsName: dnsName && {
      HostnameType: dnsName.HostnameType,
      EnableResourceNameDnsARecord: dnsName.EnableResourceNameDnsARecord,
      EnableResourceNameDnsAAAARecord: dnsName.EnableResourceNameDnsAAAARecord,
    },
    capacityReservationPreference: instance.CapacityReservationSpecification?.CapacityReservationPreference,
    metadataTags: instance.MetadataOptions?.InstanceMetadataTags,
    metadataIpv6: instance.MetadataOptions?.HttpProtocolIpv6,
    partitionNumber: instance.Placement?.PartitionNumber,
    partitionCount: placementGroup?.PartitionCount,
    shutdownBehavior: attributes.shutdownBehavior,
    ipv6Count: instance.NetworkInterfaces?.[0]?.Ipv6Addresses?.length,
  })
}

/** A JSON copy: dates as text, `undefined` left out. */
const plain = (value: Record<string, unknown>): JsonObject => JSON.parse(JSON.stringify(value)) as Record<string, Json>

/** A member that is absent rather than `undefined`. */
function maybe<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  // An object with one computed key is typed with an index signature; it has exactly this member or none.
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }
}
