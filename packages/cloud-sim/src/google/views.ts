import type { Instance } from '../datacentre/types.ts'
import type { DiskRecord, InstanceRecord, Project } from './project.ts'
import { fingerprint } from './project.ts'

const time = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString())

function statusOf(project: Project, record: InstanceRecord): string {
  const machine = project.machine(record)
  switch (machine.state) {
    case 'pending':
      return 'STAGING'
    case 'running':
      return 'RUNNING'
    case 'stopping':
      return machine.stateReason?.code.includes('Hibernat') === true ? 'SUSPENDING' : 'STOPPING'
    case 'stopped':
      return machine.hibernated ? 'SUSPENDED' : 'TERMINATED'
    default:
      return 'STOPPING'
  }
}

export function instanceView(project: Project, record: InstanceRecord): object {
  const machine = project.machine(record)
  const { url, path } = project
  const [nic] = machine.nics
  return {
    kind: 'compute#instance',
    id: record.id,
    name: record.name,
    zone: url(`projects/${project.id}/zones/${record.zone}`),
    machineType: url(path(record.zone, 'machineTypes', machine.instanceType)),
    status: statusOf(project, record),
    creationTimestamp: time(record.createdAtMs),
    lastStartTimestamp: time(machine.launchTimeMs),
    lastStopTimestamp: time(record.lastStopMs),
    lastSuspendedTimestamp: time(record.lastSuspendMs),
    selfLink: url(path(record.zone, 'instances', record.name)),
    labels: record.labels,
    labelFingerprint: fingerprint(record.labels),
    ...statusOfResource(machine),
    ...(record.policies === undefined || record.policies.length === 0
      ? {}
      : {
          resourcePolicies: record.policies.map((name) =>
            url(`projects/${project.id}/regions/${project.dataCentre.region}/resourcePolicies/${name}`),
          ),
        }),
    deletionProtection: machine.disableApiTermination,
    scheduling: record.scheduling,
    metadata: { kind: 'compute#metadata', fingerprint: fingerprint(record.metadata), items: record.metadata },
    tags: { fingerprint: fingerprint(record.networkTags), items: record.networkTags },
    serviceAccounts: record.serviceAccounts,
    canIpForward: false,
    disks: record.disks.map((disk, index) => ({
      kind: 'compute#attachedDisk',
      type: 'PERSISTENT',
      mode: disk.readOnly === true ? 'READ_ONLY' : 'READ_WRITE',
      index,
      boot: disk.boot,
      autoDelete: disk.autoDelete,
      deviceName: disk.deviceName,
      source: url(path(record.zone, 'disks', disk.name)),
    })),
    networkInterfaces: [
      {
        kind: 'compute#networkInterface',
        name: 'nic0',
        network: url(`projects/${project.id}/global/networks/default`),
        subnetwork: url(`projects/${project.id}/regions/${project.dataCentre.region}/subnetworks/default`),
        networkIP: nic?.privateIp ?? '',
        fingerprint: fingerprint(nic?.privateIp),
        ...(record.hasExternalAddress
          ? {
              accessConfigs: [
                { kind: 'compute#accessConfig', name: 'External NAT', type: 'ONE_TO_ONE_NAT', networkTier: 'PREMIUM', natIP: machine.publicIp },
              ],
            }
          : {}),
      },
    ],
  }
}

/** What the instance has found rather than been given. */
function statusOfResource(machine: Instance): object {
  const domain = machine.partition === undefined ? {} : { scheduling: { availabilityDomain: machine.partition } }
  const resourceStatus = { ...maintenanceOf(machine), ...domain }
  return Object.keys(resourceStatus).length === 0 ? {} : { resourceStatus }
}

/** Maintenance ahead, of which Google plans one at a time. */
function maintenanceOf({ scheduledEvents }: Instance): object {
  const event = scheduledEvents.find(({ state }) => state === 'active')
  if (event === undefined) return {}
  const upcomingMaintenance = {
    type: 'SCHEDULED',
    maintenanceStatus: event.startedAtMs === undefined ? 'PENDING' : 'ONGOING',
    canReschedule: event.startedAtMs === undefined,
    windowStartTime: time(event.notBeforeMs),
    windowEndTime: time(event.notAfterMs ?? event.notBeforeMs + 4 * 3_600_000),
    latestWindowStartTime: time(event.notBeforeDeadlineMs ?? event.notBeforeMs),
  }
  return { upcomingMaintenance }
}

export function diskView(project: Project, record: DiskRecord): object {
  const volume = project.dataCentre.storage.getVolume(record.volumeId)
  const { url, path } = project
  return {
    kind: 'compute#disk',
    id: record.id,
    name: record.name,
    zone: url(`projects/${project.id}/zones/${record.zone}`),
    type: url(path(record.zone, 'diskTypes', record.type)),
    sizeGb: String(volume?.sizeGiB ?? 0),
    status: volume?.state === 'creating' ? 'CREATING' : 'READY',
    creationTimestamp: time(record.createdAtMs),
    selfLink: url(path(record.zone, 'disks', record.name)),
    labels: record.labels,
    labelFingerprint: fingerprint(record.labels),
    architecture: 'X86_64',
    physicalBlockSizeBytes: '4096',
    ...(record.sourceImage === undefined ? {} : { sourceImage: record.sourceImage }),
    ...(record.sourceSnapshot === undefined ? {} : { sourceSnapshot: record.sourceSnapshot }),
    ...(record.description === undefined ? {} : { description: record.description }),
    ...(record.policies.length === 0
      ? {}
      : {
          resourcePolicies: record.policies.map((name) =>
            url(`projects/${project.id}/regions/${project.dataCentre.region}/resourcePolicies/${name}`),
          ),
        }),
    users: project.usersOf(record).map(({ name }) => url(path(record.zone, 'instances', name))),
  }
}
