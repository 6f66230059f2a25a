import type {
  BlockDeviceMapping,
  InstanceNetworkInterfaceSpecification,
  ResourceType,
  RunInstancesCommandInput,
  Subnet,
  TagSpecification,
} from '@aws-sdk/client-ec2'
import type { Labels } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { CallContext, CloneSpec, DiskDna, ResourceDna } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { creationTags } from '@understudy/provider/adapter-kit'
import { placementOf } from './host-groups.ts'
import { clonedTags, writeTags } from './tags.ts'

/** Snapshot ids by device name: the disks to start from. Absent: as the source was made. */
export type SnapshotsByDevice = ReadonlyMap<string, string>

/**
 * The launch of an instance like `source`. Everything in it follows from the arguments and from subnets, which do not move:
 * EC2 refuses a repeated launch whose parameters differ.
 */
export async function launchInput(
  adapter: Adapter,
  source: ResourceDna,
  spec: CloneSpec,
  snapshots: SnapshotsByDevice | undefined,
  context: CallContext,
): Promise<RunInstancesCommandInput> {
  if (source.image === undefined) throw providerError('invalid', 'NoImage', 'The source has no image id, so that no equal instance can be launched.')
  const isolated = spec.isolation !== undefined
  const sameType = spec.instanceType === source.size.type
  return {
    ClientToken: context.idempotencyKey,
    MinCount: 1,
    MaxCount: 1,
    ImageId: source.image,
    InstanceType: spec.instanceType as NonNullable<RunInstancesCommandInput['InstanceType']>, // the SDK's list of types is never complete
    NetworkInterfaces: await networkInterfaces(adapter, source, spec),
    BlockDeviceMappings: blockDevices(source.disks, snapshots, spec.power === 'held'),
    ...(source.keyName === undefined ? {} : { KeyName: source.keyName }),
    ...(source.userData === undefined ? {} : { UserData: source.userData }),
    ...(source.identity === undefined || isolated ? {} : { IamInstanceProfile: { Arn: source.identity } }),
    ...(source.metadataService === undefined ? {} : { MetadataOptions: metadataOptions(source) }),
    ...(spec.power === 'held' ? { HibernationOptions: { Configured: true } } : {}),
    ...marketOptions(source, spec),
    ...placementOf(source, spec),
    ...nativeOptions(source, spec, sameType),
    TagSpecifications: tagSpecifications(adapter, source, spec, context),
  }
}

function blockDevices(disks: readonly DiskDna[], snapshots: SnapshotsByDevice | undefined, keepsMemory: boolean): BlockDeviceMapping[] {
  return disks.map((disk) => {
    // From the image, a data disk starts as it did at first: from the snapshot it was made of, or empty.
    const snapshotId = snapshots === undefined ? (disk.role === 'data' ? disk.sourceSnapshot : undefined) : snapshots.get(disk.deviceKey)
    const takesIops = disk.type === 'gp3' || disk.type === 'io1' || disk.type === 'io2'
    return {
      DeviceName: disk.deviceKey,
      Ebs: {
        ...(snapshotId === undefined || snapshotId === '' ? {} : { SnapshotId: snapshotId }),
        VolumeSize: disk.sizeGiB,
        VolumeType: disk.type as NonNullable<NonNullable<BlockDeviceMapping['Ebs']>['VolumeType']>, // what EC2 itself answered
        ...(disk.iops !== undefined && takesIops ? { Iops: disk.iops } : {}),
        ...(disk.throughputMiBps !== undefined && disk.type === 'gp3' ? { Throughput: disk.throughputMiBps } : {}),
        // EC2 writes memory to an encrypted root only.
        ...(disk.encrypted || (keepsMemory && disk.role === 'root') ? { Encrypted: true } : {}),
        ...(disk.encrypted && disk.kmsKey !== undefined ? { KmsKeyId: disk.kmsKey } : {}),
        DeleteOnTermination: disk.deleteWithInstance,
      },
    }
  })
}

async function networkInterfaces(adapter: Adapter, source: ResourceDna, spec: CloneSpec): Promise<InstanceNetworkInterfaceSpecification[]> {
  const nics = spec.isolation === undefined ? source.nics : source.nics.filter(({ primary }) => primary)
  return await Promise.all(
    nics.map(async (nic, index): Promise<InstanceNetworkInterfaceSpecification> => {
      const hadPublicIp = nic.publicIp?.ephemeral === true && spec.isolation === undefined
      return {
        DeviceIndex: index,
        SubnetId: await subnetInZone(adapter, nic.subnet, spec.zone),
        Groups: [...(spec.isolation?.securityGroups ?? nic.securityGroups)],
        DeleteOnTermination: true,
        // EC2 assigns public addresses only to an instance launched with a single interface.
        ...(nics.length === 1 ? { AssociatePublicIpAddress: hadPublicIp } : {}),
      }
    }),
  )
}

/** The subnet itself when it lies in the zone, otherwise its likest sibling there: same network, same handling of public addresses. */
async function subnetInZone({ calls }: Adapter, subnetId: string, zone: string): Promise<string> {
  const [own] = (await calls.describeSubnets({ Filters: [{ Name: 'subnet-id', Values: [subnetId] }] })).Subnets ?? []
  if (own?.VpcId === undefined)
    throw providerError('not_found', 'InvalidSubnetID.NotFound', `The subnet ${subnetId} of the source does not exist any more.`)
  if (own.AvailabilityZone === zone) return subnetId
  const { Subnets: siblings = [] } = await calls.describeSubnets({
    Filters: [
      { Name: 'vpc-id', Values: [own.VpcId] },
      { Name: 'availability-zone', Values: [zone] },
    ],
  })
  const [best] = siblings.toSorted((a, b) => likeness(b, own) - likeness(a, own) || ((a.SubnetId ?? '') < (b.SubnetId ?? '') ? -1 : 1))
  if (best?.SubnetId === undefined) {
    throw providerError('invalid', 'NoSubnetInZone', `The network ${own.VpcId} has no subnet in ${zone}. Create one there, or choose another zone.`)
  }
  return best.SubnetId
}

const likeness = (subnet: Subnet, own: Subnet): number =>
  (subnet.MapPublicIpOnLaunch === own.MapPublicIpOnLaunch ? 2 : 0) + (subnet.DefaultForAz === own.DefaultForAz ? 1 : 0)

function metadataOptions({ metadataService, native }: ResourceDna): NonNullable<RunInstancesCommandInput['MetadataOptions']> {
  return {
    HttpTokens: metadataService?.tokensRequired === true ? 'required' : 'optional',
    HttpEndpoint: metadataService?.enabled === false ? 'disabled' : 'enabled',
    ...(metadataService?.hopLimit === undefined ? {} : { HttpPutResponseHopLimit: metadataService.hopLimit }),
    ...(native['metadataTags'] === 'enabled' ? { InstanceMetadataTags: 'enabled' as const } : {}),
    ...(native['metadataIpv6'] === 'enabled' ? { HttpProtocolIpv6: 'enabled' as const } : {}),
  }
}

function marketOptions(source: ResourceDna, spec: CloneSpec): Pick<RunInstancesCommandInput, 'InstanceMarketOptions'> {
  if (spec.purchase !== 'spot') return {}
  const maxPrice = source.spot?.maxPrice === undefined || spec.instanceType !== source.size.type ? {} : { MaxPrice: source.spot.maxPrice }
  // Only a persistent request lets its instance be stopped; one that shall run is one-time, so that nothing comes back uncalled.
  const kind =
    spec.power === 'running'
      ? ({ SpotInstanceType: 'one-time', InstanceInterruptionBehavior: 'terminate' } as const)
      : ({ SpotInstanceType: 'persistent', InstanceInterruptionBehavior: spec.power === 'held' ? 'hibernate' : 'stop' } as const)
  return { InstanceMarketOptions: { MarketType: 'spot', SpotOptions: { ...kind, ...maxPrice } } }
}

/** What the DNA keeps verbatim. Options that depend on the type are left to EC2 when the type differs. */
function nativeOptions({ native }: ResourceDna, spec: CloneSpec, sameType: boolean): Partial<RunInstancesCommandInput> {
  const cpuOptions = native['cpuOptions'] as { CoreCount?: number; ThreadsPerCore?: number } | undefined // written by this adapter
  const dnsName = native['privateDnsName'] as RunInstancesCommandInput['PrivateDnsNameOptions'] // written by this adapter
  const shutdown = native['shutdownBehavior']
  return {
    ...(sameType && native['ebsOptimized'] === true ? { EbsOptimized: true } : {}),
    ...(sameType && cpuOptions?.CoreCount !== undefined && cpuOptions.ThreadsPerCore === 1
      ? { CpuOptions: { CoreCount: cpuOptions.CoreCount, ThreadsPerCore: 1 } }
      : {}),
    ...(sameType && typeof native['cpuCredits'] === 'string' ? { CreditSpecification: { CpuCredits: native['cpuCredits'] } } : {}),
    ...(native['monitoring'] === true ? { Monitoring: { Enabled: true } } : {}),
    ...(native['enclave'] === true && spec.power !== 'held' ? { EnclaveOptions: { Enabled: true } } : {}),
    ...(native['autoRecovery'] === 'disabled' ? { MaintenanceOptions: { AutoRecovery: 'disabled' as const } } : {}),
    ...(dnsName === undefined ? {} : { PrivateDnsNameOptions: dnsName }),
    // A one-time spot instance can only end.
    ...((shutdown === 'stop' || shutdown === 'terminate') && spec.purchase !== 'spot' ? { InstanceInitiatedShutdownBehavior: shutdown } : {}),
  }
}

function tagSpecifications({ installation }: Adapter, source: ResourceDna, spec: CloneSpec, context: CallContext): TagSpecification[] {
  const ours: Labels = { ...creationTags(context, installation), Name: spec.name }
  const specification = (ResourceType: ResourceType, tags: Labels): TagSpecification => ({ ResourceType, Tags: writeTags(tags) })
  return [
    // An isolated clone must not be found by what searches for the source's tags.
    specification('instance', spec.isolation === undefined ? clonedTags(source.tags, ours) : ours),
    specification('volume', ours),
    specification('network-interface', ours),
    ...(spec.purchase === 'spot' ? [specification('spot-instances-request', ours)] : []),
  ]
}
