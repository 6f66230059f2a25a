import type { PermissionFinding, Permissions, PermittedCapability } from '@understudy/provider'
import type { Adapter } from './adapter.ts'

/** At most this many are answered at once. */
const maxPerQuestion = 100

/**
 * Asks Cloud Resource Manager which of the permissions the credentials have on the project; asking needs none of them.
 * https://cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions
 */
export function gcpPermissions({ calls }: Adapter): Permissions {
  return {
    async check({ signal } = {}) {
      const all = Object.values(needed).flat()
      const granted = new Set<string>()
      for (let at = 0; at < all.length; at += maxPerQuestion) {
        for (const permission of await calls.testPermissions(all.slice(at, at + maxPerQuestion), signal)) granted.add(permission)
      }
      return Object.entries(needed).flatMap(
        ([capability, permissions]) => permissions.map((permission) => finding(capability as PermittedCapability, permission, granted)), // the keys of `needed`
      )
    },
  }
}

function finding(capability: PermittedCapability, permission: string, granted: ReadonlySet<string>): PermissionFinding {
  if (granted.has(permission)) return { capability, permission, outcome: 'granted' }
  const reason = grantedElsewhere.find(([pattern]) => pattern.test(permission))?.[1]
  return reason === undefined ? { capability, permission, outcome: 'missing' } : { capability, permission, outcome: 'unproven', reason }
}

/** What is often granted on the thing itself, or in another project, which a question about the project cannot see. */
const grantedElsewhere: readonly (readonly [RegExp, string])[] = [
  [/^compute\.subnetworks\./, 'It is not granted on the project; a shared network grants it on the subnetwork, in its own project.'],
  [/^pubsub\./, 'It is not granted on the project; it is usually granted on the subscription, where there is one.'],
  [/^compute\.images\.useReadOnly$/, 'It is not granted on the project; images of other projects, and public ones, grant it themselves.'],
]

const compute = (...names: readonly string[]): string[] => names.map((name) => `compute.${name}`)

/** By what they are for. `iam.serviceAccounts.actAs` is granted on service accounts and is not asked about. */
const needed: Readonly<Partial<Record<PermittedCapability, readonly string[]>>> = {
  inventory: compute(
    'projects.get',
    'instances.get',
    'instances.list',
    'disks.get',
    'disks.list',
    'machineTypes.get',
    'machineTypes.list',
    'zoneOperations.get',
  ),
  compute: [
    ...compute('instances.create', 'instances.start', 'instances.stop', 'instances.suspend', 'instances.resume', 'instances.setMachineType'),
    ...compute('instances.delete', 'instances.setTags', 'instances.setMetadata', 'disks.create', 'disks.delete'),
    ...compute('images.useReadOnly', 'subnetworks.use', 'subnetworks.useExternalIp'),
  ],
  labels: compute('instances.setLabels', 'disks.setLabels', 'instances.setDeletionProtection'),
  traffic: [
    ...compute('backendServices.get', 'backendServices.update', 'instanceGroups.get', 'instanceGroups.list', 'instanceGroups.update'),
    ...compute('instanceGroups.use', 'instances.use', 'globalOperations.get', 'networkEndpointGroups.get', 'networkEndpointGroups.use'),
    ...compute('networkEndpointGroups.attachNetworkEndpoints', 'networkEndpointGroups.detachNetworkEndpoints'),
    ...compute('addresses.get', 'addresses.use', 'instances.addAccessConfig', 'instances.deleteAccessConfig'),
    ...['dns.resourceRecordSets.get', 'dns.resourceRecordSets.create', 'dns.resourceRecordSets.delete', 'dns.resourceRecordSets.update'],
    ...['dns.changes.create', 'dns.changes.list'],
  ],
  signals: [...compute('globalOperations.list', 'zoneOperations.list'), 'pubsub.subscriptions.consume'],
  snapshots: [
    ...compute('snapshots.create', 'snapshots.get', 'snapshots.list', 'snapshots.delete', 'snapshots.setLabels', 'snapshots.useReadOnly'),
    ...compute('disks.createSnapshot', 'disks.useReadOnly', 'disks.addResourcePolicies', 'zones.list', 'regionOperations.get'),
    ...compute('resourcePolicies.create', 'resourcePolicies.get', 'resourcePolicies.use', 'instantSnapshotGroups.create'),
    ...compute('instantSnapshotGroups.get', 'instantSnapshotGroups.delete', 'instantSnapshots.create', 'instantSnapshots.list'),
    ...compute('instantSnapshots.delete', 'instantSnapshots.useReadOnly'),
    // Copies in other regions.
    ...compute('images.create', 'images.get', 'images.list', 'images.delete', 'images.setLabels', 'regions.list'),
    // The place of a test rollback.
    ...compute('firewalls.create', 'firewalls.list', 'firewalls.update', 'firewalls.delete', 'networks.updatePolicy'),
    // A rollback plugs the disks of a set into the instance that was captured.
    ...compute('instances.attachDisk', 'instances.detachDisk', 'instances.setDiskAutoDelete', 'disks.use'),
  ],
}
