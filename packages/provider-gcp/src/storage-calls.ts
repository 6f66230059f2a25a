import type { protos } from '@google-cloud/compute'
import type { Offering } from '@understudy/provider'
import { changeOptions, listed, listOptions, readOptions } from './call-kit.ts'
import type { Accepted, Tell } from './call-kit.ts'
import type { Disk } from './clients.ts'

export type Snapshot = protos.google.cloud.compute.v1.ISnapshot
export type InstantSnapshot = protos.google.cloud.compute.v1.IInstantSnapshot

interface Place {
  readonly project: string
  readonly region: string
}
interface Requested {
  readonly requestId: string
  readonly signal?: AbortSignal | undefined
}

/** What disks and their snapshots need. */
export const storageCalls = (place: Place, tell: Tell, accepted: Accepted) => ({
  ...diskCalls(place, accepted),
  ...attachmentCalls(place, accepted),
  ...snapshotCalls(place, tell, accepted),
  ...groupCalls(place, tell, accepted),
})

const diskCalls = ({ project }: Place, accepted: Accepted) => ({
  insertDisk: (zone: string, diskResource: Disk, offering: Offering, { requestId, signal }: Requested) =>
    accepted(({ disks }) => disks.insert({ project, zone, diskResource, requestId }, changeOptions), { signal, offering }),
  deleteDisk: (zone: string, disk: string, { requestId, signal }: Requested) =>
    accepted(({ disks }) => disks.delete({ project, zone, disk, requestId }, changeOptions), { signal }),
  addDiskPolicy: (zone: string, disk: string, policy: string, { requestId, signal }: Requested) =>
    accepted(
      ({ disks }) =>
        disks.addResourcePolicies(
          { project, zone, disk, requestId, disksAddResourcePoliciesRequestResource: { resourcePolicies: [policy] } },
          changeOptions,
        ),
      { signal },
    ),
})

interface Slot {
  readonly zone: string
  /** Id of the instance. */
  readonly instance: string
  readonly deviceName: string
}

const attachmentCalls = ({ project }: Place, accepted: Accepted) => ({
  attachDisk: (
    { zone, instance, deviceName }: Slot,
    disk: { readonly source: string; readonly boot: boolean; readonly autoDelete: boolean; readonly mode?: 'READ_ONLY' | 'READ_WRITE' },
    { requestId, signal }: Requested,
  ) =>
    accepted(
      ({ instances }) => instances.attachDisk({ project, zone, instance, requestId, attachedDiskResource: { deviceName, ...disk } }, changeOptions),
      { signal },
    ),
  detachDisk: (slot: Slot, { requestId, signal }: Requested) =>
    accepted(({ instances }) => instances.detachDisk({ project, ...slot, requestId }, changeOptions), { signal }),
  setDiskAutoDelete: (slot: Slot, autoDelete: boolean, { requestId, signal }: Requested) =>
    accepted(({ instances }) => instances.setDiskAutoDelete({ project, ...slot, autoDelete, requestId }, changeOptions), { signal }),
})

const snapshotCalls = ({ project }: Place, tell: Tell, accepted: Accepted) => ({
  listSnapshots: (filter: string) => listed(tell, ({ snapshots }) => snapshots.listAsync({ project, filter, maxResults: 500 }, listOptions)),
  getSnapshot: (snapshot: string) => tell('read', async ({ snapshots }) => (await snapshots.get({ project, snapshot }, readOptions))[0]),
  insertSnapshot: (snapshotResource: Snapshot, { requestId, signal }: Requested) =>
    accepted(({ snapshots }) => snapshots.insert({ project, snapshotResource, requestId }, changeOptions), { signal }),
  deleteSnapshot: (snapshot: string, { requestId, signal }: Requested) =>
    accepted(({ snapshots }) => snapshots.delete({ project, snapshot, requestId }, changeOptions), { signal }),
  setSnapshotLabels: (
    target: { readonly resource: string; readonly labels: Record<string, string>; readonly labelFingerprint: string },
    signal: AbortSignal | undefined,
  ) => {
    // It takes no request id; the fingerprint makes its repetition harmless.
    const { resource, ...globalSetLabelsRequestResource } = target
    return accepted(({ snapshots }) => snapshots.setLabels({ project, resource, globalSetLabelsRequestResource }, changeOptions), { signal })
  },
})

/** One moment of several disks: instant snapshots of the members of a consistency group. */
const groupCalls = ({ project, region }: Place, tell: Tell, accepted: Accepted) => ({
  getPolicy: (resourcePolicy: string) =>
    tell('read', async ({ resourcePolicies }) => (await resourcePolicies.get({ project, region, resourcePolicy }, readOptions))[0]),
  insertPolicy: (name: string, description: string, { requestId, signal }: Requested) =>
    accepted(
      ({ resourcePolicies }) =>
        resourcePolicies.insert(
          { project, region, requestId, resourcePolicyResource: { name, description, diskConsistencyGroupPolicy: {} } },
          changeOptions,
        ),
      { signal },
    ),
  getInstantGroup: (zone: string, instantSnapshotGroup: string) =>
    tell('read', async ({ instantSnapshotGroups }) => (await instantSnapshotGroups.get({ project, zone, instantSnapshotGroup }, readOptions))[0]),
  insertInstantGroup: (
    group: { readonly zone: string; readonly name: string; readonly description: string; readonly policy: string },
    { requestId, signal }: Requested,
  ) => {
    const { zone, name, description, policy: sourceConsistencyGroup } = group
    return accepted(
      ({ instantSnapshotGroups }) =>
        instantSnapshotGroups.insert(
          { project, zone, requestId, sourceConsistencyGroup, instantSnapshotGroupResource: { name, description, sourceConsistencyGroup } },
          changeOptions,
        ),
      { signal },
    )
  },
  deleteInstantGroup: (zone: string, instantSnapshotGroup: string, { requestId, signal }: Requested) =>
    accepted(({ instantSnapshotGroups }) => instantSnapshotGroups.delete({ project, zone, instantSnapshotGroup, requestId }, changeOptions), {
      signal,
    }),
  listInstantSnapshots: (zone: string) =>
    listed(tell, ({ instantSnapshots }) => instantSnapshots.listAsync({ project, zone, maxResults: 500 }, listOptions)),
  deleteInstantSnapshot: (zone: string, instantSnapshot: string, { requestId, signal }: Requested) =>
    accepted(({ instantSnapshots }) => instantSnapshots.delete({ project, zone, instantSnapshot, requestId }, changeOptions), { signal }),
})
