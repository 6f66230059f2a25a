import type { JsonObject } from '@understudy/core'
import {
  fingerprintOf,
  type DiskDna,
  type HostGroup,
  type InstanceSummary,
  type NicDna,
  type PowerState,
  type ResourceDna,
  type Scope,
} from '@understudy/provider'
import type { Instance, InstanceState, InstanceType, NetworkInterface, Volume } from '../datacentre/types.ts'

const hibernationReasons = new Set(['Client.UserInitiatedHibernate', 'Server.SpotInstanceHibernation'])

/** A hibernated instance is a stopped one whose reason says so. */
export function powerStateOf(state: InstanceState, instance: Pick<Instance, 'stateReason'>): PowerState {
  const byHibernation = hibernationReasons.has(instance.stateReason?.code ?? '')
  switch (state) {
    case 'pending':
      return 'provisioning'
    case 'running':
      return 'running'
    case 'stopping':
      return byHibernation ? 'holding' : 'stopping'
    case 'stopped':
      return byHibernation ? 'held' : 'stopped'
    case 'shutting-down':
      return 'terminating'
    case 'terminated':
      return 'terminated'
  }
}

export function summaryOf(scope: Scope, instance: Instance, state: InstanceState): InstanceSummary {
  return {
    ref: { ...scope, nativeId: instance.instanceId, zone: instance.zone },
    name: instance.tags['Name'] ?? instance.instanceId,
    state: powerStateOf(state, instance),
    nativeState: state,
    ...(instance.stateReason === undefined ? {} : { stateReason: { ...instance.stateReason } }),
    instanceType: instance.instanceType,
    purchase: instance.market,
    tags: { ...instance.tags },
    launchedAt: new Date(instance.launchTimeMs).toISOString(),
  }
}

/** The complete definition of an instance and what belongs to it. Pure. */
export function dnaOf(
  scope: Scope,
  instance: Instance,
  state: InstanceState,
  volumes: readonly Volume[],
  size: InstanceType | undefined,
  hostGroup: HostGroup | undefined,
): ResourceDna {
  const dna: Omit<ResourceDna, 'fingerprint'> = {
    dnaVersion: 1,
    ref: { ...scope, nativeId: instance.instanceId, zone: instance.zone },
    nativeName: instance.tags['Name'] ?? instance.instanceId,
    state: powerStateOf(state, instance),
    nativeState: state,
    ...(instance.stateReason === undefined ? {} : { stateReason: { ...instance.stateReason } }),
    image: instance.imageId,
    os: { family: instance.platform, arch: instance.architecture },
    size: { type: instance.instanceType, vcpus: size?.vcpus ?? 0, memoryMiB: size?.memoryMiB ?? 0 },
    purchase: instance.market,
    ...(instance.spot === undefined
      ? {}
      : {
          spot: {
            ...(instance.spot.maxPrice === undefined ? {} : { maxPrice: instance.spot.maxPrice }),
            onInterruption: instance.spot.interruptionBehavior,
            requestId: instance.spot.requestId,
          },
        }),
    disks: disksOf(scope, instance, volumes),
    nics: instance.nics.toSorted((a, b) => a.deviceIndex - b.deviceIndex).map(nicOf),
    ...(instance.iamProfileArn === undefined ? {} : { identity: instance.iamProfileArn }),
    ...(instance.userData === undefined ? {} : { userData: instance.userData }),
    ...(instance.keyName === undefined ? {} : { keyName: instance.keyName }),
    tags: { ...instance.tags },
    placement: {
      zone: instance.zone,
      tenancy: instance.tenancy,
      ...(instance.placementGroup === undefined ? {} : { group: instance.placementGroup }),
      ...(instance.hostId === undefined ? {} : { hostId: instance.hostId }),
      ...(hostGroup === undefined ? {} : { hostGroup }),
    },
    metadataService: {
      tokensRequired: instance.metadataOptions.httpTokens === 'required',
      hopLimit: instance.metadataOptions.httpPutResponseHopLimit,
      enabled: instance.metadataOptions.httpEndpoint === 'enabled',
    },
    protection: { terminate: instance.disableApiTermination, stop: instance.disableApiStop },
    holdEnabled: instance.hibernationConfigured,
    native: nativeOf(instance),
    unknowable: [],
  }
  return { ...dna, fingerprint: fingerprintOf(dna) }
}

function disksOf(scope: Scope, instance: Instance, volumes: readonly Volume[]): DiskDna[] {
  const byId = new Map(volumes.map((volume) => [volume.volumeId, volume]))
  return instance.blockDevices
    .flatMap((device): DiskDna[] => {
      const volume = byId.get(device.volumeId)
      if (!volume) return []
      return [
        {
          ref: { ...scope, nativeId: volume.volumeId, zone: volume.zone },
          role: device.deviceName === instance.rootDeviceName ? 'root' : 'data',
          deviceKey: device.deviceName,
          sizeGiB: volume.sizeGiB,
          type: volume.type,
          ...(volume.iops === undefined ? {} : { iops: volume.iops }),
          ...(volume.throughputMiBps === undefined ? {} : { throughputMiBps: volume.throughputMiBps }),
          encrypted: volume.encrypted,
          ...(volume.kmsKeyId === undefined ? {} : { kmsKey: volume.kmsKeyId }),
          deleteWithInstance: device.deleteOnTermination,
          ...(volume.snapshotId === undefined ? {} : { sourceSnapshot: volume.snapshotId }),
        },
      ]
    })
    .toSorted((a, b) => (a.role === b.role ? (a.deviceKey < b.deviceKey ? -1 : 1) : a.role === 'root' ? -1 : 1))
}

const nicOf = (nic: NetworkInterface): NicDna => ({
  nativeId: nic.networkInterfaceId,
  primary: nic.deviceIndex === 0,
  subnet: nic.subnetId,
  securityGroups: [...nic.securityGroupIds],
  privateIps: [nic.privateIp],
  ...(nic.publicIp === undefined
    ? {}
    : {
        publicIp: {
          ip: nic.publicIp,
          ...(nic.allocationId === undefined ? {} : { allocationId: nic.allocationId }),
          ephemeral: nic.allocationId === undefined,
        },
      }),
  sourceDestCheck: nic.sourceDestCheck,
})

function nativeOf(instance: Instance): JsonObject {
  return {
    vpcId: instance.vpcId,
    rootDeviceName: instance.rootDeviceName,
    ...(instance.partition === undefined ? {} : { partition: instance.partition }),
    bootMode: instance.bootMode,
    launchTime: new Date(instance.launchTimeMs).toISOString(),
    ebsOptimized: instance.ebsOptimized,
    monitoring: instance.monitoring === 'enabled',
    ...(instance.cpuCredits === undefined ? {} : { cpuCredits: instance.cpuCredits }),
    autoRecovery: instance.autoRecovery,
    capacityReservationPreference: instance.capacityReservationPreference,
    metadataTags: instance.metadataOptions.instanceMetadataTags,
    metadataIpv6: instance.metadataOptions.httpProtocolIpv6,
    shutdownBehavior: instance.shutdownBehavior,
  }
}
