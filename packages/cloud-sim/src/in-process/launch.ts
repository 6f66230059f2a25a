import { providerError, type CallContext, type CloneSpec, type ResourceDna } from '@understudy/provider'
import { clonedTagsWithin, creationTags } from '@understudy/provider/adapter-kit'
import type { BlockDeviceRequest, NetworkInterfaceRequest, RunInstancesInput } from '../datacentre/api.ts'
import type { SimAdapter } from './adapter.ts'
import { hostPlacement } from './host-groups.ts'

/** Limit of tags on one thing. */
const tagsMax = 50

/**
 * The launch of an instance like `source`. Everything follows from the arguments and from subnets, which do not move: a
 * repeated launch whose parameters differ is refused.
 */
export async function launchInput(
  adapter: SimAdapter,
  source: ResourceDna,
  spec: CloneSpec,
  snapshots: ReadonlyMap<string, string> | undefined,
  context: CallContext,
): Promise<RunInstancesInput> {
  if (source.image === undefined) throw providerError('invalid', 'NoImage', 'The source has no image id, so that no equal instance can be launched.')
  const isolated = spec.isolation !== undefined
  const ours = { ...creationTags(context, adapter.installation), Name: spec.name }
  return {
    clientToken: context.idempotencyKey,
    minCount: 1,
    maxCount: 1,
    imageId: source.image,
    instanceType: spec.instanceType,
    networkInterfaces: await networkInterfaces(adapter, source, spec),
    blockDevices: blockDevices(source, spec, snapshots),
    ...(source.keyName === undefined ? {} : { keyName: source.keyName }),
    ...(source.userData === undefined ? {} : { userData: source.userData }),
    ...(source.identity === undefined || isolated ? {} : { iamProfileArn: source.identity }),
    ...metadataOptions(source),
    ...(spec.power === 'held' ? { hibernationConfigured: true } : {}),
    ...marketOptions(adapter, source, spec),
    ...hostPlacement(adapter, source, spec),
    ...nativeOptions(source, spec),
    tags: {
      // An isolated clone must not be found by what searches for the source's tags.
      instance: isolated ? ours : clonedTagsWithin(source.tags, ours, { tagsMax, reservedPrefix: 'aws:' }),
      volume: ours,
      'network-interface': ours,
      ...(spec.purchase === 'spot' ? { 'spot-instances-request': ours } : {}),
    },
  }
}

function blockDevices(source: ResourceDna, spec: CloneSpec, snapshots: ReadonlyMap<string, string> | undefined): BlockDeviceRequest[] {
  return source.disks.map((disk) => {
    const snapshotId = snapshots === undefined ? (disk.role === 'data' ? disk.sourceSnapshot : undefined) : snapshots.get(disk.deviceKey)
    return {
      deviceName: disk.deviceKey,
      ...(snapshotId === undefined ? {} : { snapshotId }),
      sizeGiB: disk.sizeGiB,
      type: disk.type,
      ...(disk.iops === undefined ? {} : { iops: disk.iops }),
      ...(disk.throughputMiBps === undefined ? {} : { throughputMiBps: disk.throughputMiBps }),
      // Memory is written to an encrypted root only.
      ...(disk.encrypted || (spec.power === 'held' && disk.role === 'root') ? { encrypted: true } : {}),
      ...(disk.encrypted && disk.kmsKey !== undefined ? { kmsKeyId: disk.kmsKey } : {}),
      deleteOnTermination: disk.deleteWithInstance,
    }
  })
}

async function networkInterfaces(adapter: SimAdapter, source: ResourceDna, spec: CloneSpec): Promise<NetworkInterfaceRequest[]> {
  const nics = spec.isolation === undefined ? source.nics : source.nics.filter((nic) => nic.primary)
  const requests: NetworkInterfaceRequest[] = []
  for (const [index, nic] of nics.entries()) {
    requests.push({
      deviceIndex: index,
      subnetId: await subnetInZone(adapter, nic.subnet, spec.zone),
      securityGroupIds: [...(spec.isolation?.securityGroups ?? nic.securityGroups)],
      deleteOnTermination: true,
      associatePublicIp: nic.publicIp?.ephemeral === true && spec.isolation === undefined,
    })
  }
  return requests
}

/** The subnet itself when it lies in the zone, otherwise its sibling there. */
async function subnetInZone(adapter: SimAdapter, subnetId: string, zone: string): Promise<string> {
  const describe = async (filters: readonly { readonly name: string; readonly values: readonly string[] }[]) =>
    (await adapter.call('DescribeSubnets', () => adapter.dc.network.describeSubnets({ filters }), { effect: 'read' })).items
  const [own] = await describe([{ name: 'subnet-id', values: [subnetId] }])
  if (!own) throw providerError('not_found', 'InvalidSubnetID.NotFound', `The subnet ${subnetId} of the source does not exist any more.`)
  if (own.zone === zone) return subnetId
  const siblings = await describe([
    { name: 'vpc-id', values: [own.vpcId] },
    { name: 'availability-zone', values: [zone] },
  ])
  const best = siblings.find((subnet) => subnet.mapPublicIpOnLaunch === own.mapPublicIpOnLaunch) ?? siblings[0]
  if (!best)
    throw providerError('invalid', 'NoSubnetInZone', `The network ${own.vpcId} has no subnet in ${zone}. Create one there, or choose another zone.`)
  return best.subnetId
}

function metadataOptions({ metadataService }: ResourceDna): Pick<RunInstancesInput, 'metadataOptions'> {
  if (!metadataService) return {}
  return {
    metadataOptions: {
      httpTokens: metadataService.tokensRequired ? 'required' : 'optional',
      httpEndpoint: metadataService.enabled ? 'enabled' : 'disabled',
      ...(metadataService.hopLimit === undefined ? {} : { httpPutResponseHopLimit: metadataService.hopLimit }),
    },
  }
}

function marketOptions({ likeness }: SimAdapter, source: ResourceDna, spec: CloneSpec): Pick<RunInstancesInput, 'spot'> {
  if (spec.purchase !== 'spot') return {}
  const maxPrice = source.spot?.maxPrice === undefined || spec.instanceType !== source.size.type ? {} : { maxPrice: source.spot.maxPrice }
  // Only a persistent request lets its instance be stopped, whether by its owner or by the cloud.
  if (spec.power === 'running' && likeness.reclaim === 'terminate')
    return { spot: { kind: 'one-time', interruptionBehavior: 'terminate', ...maxPrice } }
  return { spot: { kind: 'persistent', interruptionBehavior: spec.power === 'held' ? 'hibernate' : 'stop', ...maxPrice } }
}

function nativeOptions({ native, size }: ResourceDna, spec: CloneSpec): Partial<RunInstancesInput> {
  const sameType = spec.instanceType === size.type
  const credits = native['cpuCredits']
  const shutdown = native['shutdownBehavior']
  return {
    ...(sameType && native['ebsOptimized'] === true ? { ebsOptimized: true } : {}),
    ...(sameType && (credits === 'standard' || credits === 'unlimited') ? { cpuCredits: credits } : {}),
    ...(native['monitoring'] === true ? { monitoring: true } : {}),
    ...(native['autoRecovery'] === 'disabled' ? { autoRecovery: 'disabled' as const } : {}),
    ...((shutdown === 'stop' || shutdown === 'terminate') && spec.purchase !== 'spot' ? { shutdownBehavior: shutdown } : {}),
  }
}
