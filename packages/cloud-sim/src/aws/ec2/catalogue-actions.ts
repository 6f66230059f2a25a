import { SimError } from '../../datacentre/sim-error.ts'
import type { Image, InstanceType } from '../../datacentre/types.ts'
import type { ActionTable, Call, XmlObject } from '../call.ts'
import { invalidValue } from '../fault.ts'
import { oneOf, queryOf, tagSet } from './common.ts'
import { zoneIdOf } from './instance-view.ts'

export const catalogueActions: ActionTable = {
  DescribeRegions: ({ params, regions }) => {
    const names = params.texts('RegionName')
    const unknown = names.find((name) => !regions.includes(name))
    if (unknown !== undefined) throw invalidValue(unknown, 'regionName')
    const shown = regions.filter((region) => names.length === 0 || names.includes(region))
    return {
      regionInfo: shown.map((regionName) => ({ regionName, regionEndpoint: `ec2.${regionName}.amazonaws.com`, optInStatus: 'opt-in-not-required' })),
    }
  },
  DescribeAvailabilityZones: describeZones,
  DescribeImages: describeImages,
  DescribeInstanceTypes: ({ dataCentre, params }) => {
    const page = dataCentre.catalogue.describeInstanceTypes(queryOf(params, 'InstanceType'))
    return { instanceTypeSet: page.items.map(typeView), nextToken: page.nextToken }
  },
  DescribeInstanceTypeOfferings: describeOfferings,
  DescribePlacementGroups: describePlacementGroups,
}

function describeZones({ dataCentre, params }: Call): XmlObject {
  const names = params.texts('ZoneName')
  const ids = params.texts('ZoneId')
  const zones = dataCentre.network.describeZones({ ...queryOf(params, 'ZoneName'), ...(names.length > 0 ? { ids: names } : {}) }).items
  const shown = zones.filter((zone) => ids.length === 0 || ids.includes(zone.zoneId))
  return {
    availabilityZoneInfo: shown.map((zone) => ({
      zoneName: zone.name,
      zoneId: zone.zoneId,
      zoneState: zone.state,
      zoneType: 'availability-zone',
      regionName: dataCentre.region,
      groupName: `${dataCentre.region}-zg-1`,
      networkBorderGroup: dataCentre.region,
      optInStatus: 'opt-in-not-required',
      messageSet: [],
    })),
  }
}

/** EC2 API reference, data type PlacementGroup. Hosts of the account's own are none. */
function describePlacementGroups({ dataCentre, params }: Call): XmlObject {
  const names = [...params.texts('GroupName'), ...params.texts('GroupId')]
  const query = queryOf(params, 'GroupName')
  const groups = dataCentre.hostGroups.describe({ ...query, ...(names.length > 0 ? { ids: names } : {}) }).items
  return {
    placementGroupSet: groups
      .filter(({ strategy }) => strategy !== 'own-hosts')
      .map(({ groupId, name, strategy, partitions }) => ({
        groupId,
        groupName: name,
        strategy,
        state: 'available',
        partitionCount: partitions,
        spreadLevel: strategy === 'spread' ? 'rack' : undefined,
        groupArn: `arn:aws:ec2:${dataCentre.region}:${dataCentre.accountId}:placement-group/${name}`,
        tagSet: [],
      })),
  }
}

function describeImages({ dataCentre, params }: Call): XmlObject {
  const query = queryOf(params, 'ImageId')
  const owners = params.texts('Owner').map((owner) => (owner === 'self' ? dataCentre.accountId : owner))
  const page = dataCentre.catalogue.describeImages(
    owners.length > 0 ? { ...query, filters: [...(query.filters ?? []), { name: 'owner-id', values: owners }] } : query,
  )
  return { imagesSet: page.items.map(imageView), nextToken: page.nextToken }
}

function imageView(image: Image): XmlObject {
  const windows = image.platform === 'windows'
  return {
    imageId: image.imageId,
    imageLocation: `${image.ownerId}/${image.name}`,
    imageState: image.state,
    imageOwnerId: image.ownerId,
    creationDate: new Date(image.createdAtMs),
    isPublic: true,
    architecture: image.architecture,
    imageType: 'machine',
    platform: windows ? 'windows' : undefined,
    platformDetails: windows ? 'Windows' : 'Linux/UNIX',
    usageOperation: windows ? 'RunInstances:0002' : 'RunInstances',
    name: image.name,
    description: image.name,
    rootDeviceType: 'ebs',
    rootDeviceName: image.rootDeviceName,
    blockDeviceMapping: [
      {
        deviceName: image.rootDeviceName,
        ebs: { snapshotId: image.rootSnapshotId, volumeSize: image.rootSizeGiB, volumeType: 'gp3', deleteOnTermination: true, encrypted: false },
      },
    ],
    virtualizationType: 'hvm',
    hypervisor: 'xen',
    enaSupport: true,
    bootMode: image.bootMode,
    tagSet: tagSet(image.tags),
  }
}

function typeView(type: InstanceType): XmlObject {
  const threadsPerCore = type.vcpus > 1 ? 2 : 1
  return {
    instanceType: type.instanceType,
    currentGeneration: true,
    freeTierEligible: false,
    supportedUsageClasses: ['on-demand', 'spot'],
    supportedRootDeviceTypes: ['ebs'],
    supportedVirtualizationTypes: ['hvm'],
    bareMetal: false,
    hypervisor: 'nitro',
    processorInfo: { supportedArchitectures: [type.architecture] },
    vCpuInfo: { defaultVCpus: type.vcpus, defaultCores: type.vcpus / threadsPerCore, defaultThreadsPerCore: threadsPerCore },
    memoryInfo: { sizeInMiB: type.memoryMiB },
    instanceStorageSupported: false,
    ebsInfo: {
      ebsOptimizedSupport: 'default',
      encryptionSupport: 'supported',
      nvmeSupport: 'required',
      maximumEbsAttachments: type.maxVolumes,
      attachmentLimitType: 'shared',
    },
    networkInfo: {
      maximumNetworkInterfaces: type.maxNetworkInterfaces,
      maximumNetworkCards: 1,
      defaultNetworkCardIndex: 0,
      ipv6Supported: true,
      enaSupport: 'required',
      efaSupported: false,
    },
    placementGroupInfo: { supportedStrategies: ['cluster', 'partition', 'spread'] },
    hibernationSupported: type.hibernationSupported,
    burstablePerformanceSupported: type.instanceType.startsWith('t'),
    dedicatedHostsSupported: true,
    autoRecoverySupported: true,
    supportedBootModes: ['legacy-bios', 'uefi'],
  }
}

function describeOfferings({ dataCentre, params }: Call): XmlObject {
  const locationType = oneOf(params, 'LocationType', ['region', 'availability-zone', 'availability-zone-id']) ?? 'region'
  const { filters = [], ...page } = queryOf(params, 'InstanceType')
  const unknown = filters.find((filter) => filter.name !== 'instance-type' && filter.name !== 'location')
  if (unknown !== undefined) throw new SimError('InvalidParameterValue', `The filter '${unknown.name}' is invalid`)
  const allowed = (name: string, value: string): boolean =>
    filters.every((filter) => filter.name !== name || filter.values.some((pattern) => wildcard(pattern).test(value)))
  const locationOf = (zone: string): string =>
    locationType === 'region' ? dataCentre.region : locationType === 'availability-zone' ? zone : (zoneIdOf(dataCentre, zone) ?? zone)
  const rows = new Map<string, XmlObject>()
  for (const { instanceType, zone } of dataCentre.catalogue.describeOfferings().items) {
    const location = locationOf(zone)
    if (allowed('instance-type', instanceType) && allowed('location', location))
      rows.set(`${instanceType} ${location}`, { instanceType, locationType, location })
  }
  const from = Number(page.nextToken ?? 0)
  const to = from + (page.maxResults ?? rows.size)
  return { instanceTypeOfferingSet: [...rows.values()].slice(from, to), nextToken: to < rows.size ? String(to) : undefined }
}

const wildcard = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  )
