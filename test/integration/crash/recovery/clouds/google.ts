import type { GoogleServer } from '@understudy/cloud-sim'
import { ownTags } from '@understudy/core'
import { google as cloud, openGoogle, seedGoogle, tagsOf } from '../../clouds/google.ts'
import { isThere, speed } from '../../clouds/cloud.ts'
import { letPass, ofTheOwner } from './recovery-cloud.ts'
import type { RecoveryCloud, Site } from './recovery-cloud.ts'

type Body = Parameters<NonNullable<Parameters<typeof seedGoogle>[2]>>[0]

/** On demand, with two data disks of which one goes with the machine. */
const withDataDisks = ({ scheduling: _spot, ...body }: Body): object => {
  const [boot, data] = body.disks
  return { ...body, disks: [boot, ...['data-0', 'data-1'].map((deviceName, index) => ({ ...data, deviceName, autoDelete: index === 0 }))] }
}

async function siteOf(server: GoogleServer): Promise<Site> {
  const { project, dataCentre, clock } = server
  const service = await seedGoogle(server, 'web', withDataDisks)
  const machine = () => project.instances().find(({ id }) => id === service.nativeId)!
  return {
    service,
    instanceId: () => machine().instanceId,
    disks: () =>
      machine()
        .disks.toSorted((a, b) => (a.boot === b.boot ? (a.deviceName < b.deviceName ? -1 : 1) : a.boot ? -1 : 1))
        .map(({ deviceName: device, name, autoDelete: deletes }) => ({ device, volumeId: project.disk(machine().zone, name).volumeId, deletes })),
    tags: () => ofTheOwner(tagsOf(machine().labels)),
    isProtected: () => dataCentre.instances.get(machine().instanceId)?.disableApiTermination ?? false,
    define({ tags, without, isProtected }) {
      const record = machine()
      record.labels = Object.fromEntries(Object.entries({ ...record.labels, ...tags }).filter(([key]) => !without.includes(key)))
      dataCentre.instances.modifyAttribute(record.instanceId, { attribute: 'disableApiTermination', value: isProtected })
    },
    volumeIdOf: (nativeId) =>
      project.disks().find(({ id, name }) => nativeId === id || nativeId.split('/').pop() === id || nativeId === name)?.volumeId,
    snapshotIdOf: (member) =>
      (project.snapshots.find(({ id }) => `snapshots/${id}` === member) ?? project.images.find(({ id }) => `images/${id}` === member))?.snapshotId,
    copiesOf: (pointId) =>
      project.images.filter(({ labels }) => tagsOf(labels)[ownTags.recoveryPoint] === pointId).map(({ snapshotId }) => snapshotId),
    others: () => [
      ...[...dataCentre.instances.all()].filter((one) => isThere(dataCentre, one.instanceId)).map((one) => one.instanceId),
      ...[project.firewalls, project.instants, project.instantGroups].flatMap((records) => records.map(({ name }) => name)),
      ...project.policies.keys(),
    ],
    // Disks of one snapshot can be made once in ten minutes.
    calmDown: () => letPass(clock, 3_660_000, speed),
  }
}

/** Of three disks at one moment. */
const keeping = [
  ...['instantSnapshotGroups.insert', 'snapshots.insert', 'snapshots.insert', 'snapshots.insert'],
  ...['instantSnapshots.delete', 'instantSnapshots.delete', 'instantSnapshots.delete', 'instantSnapshotGroups.delete'],
]

/** Both directions, of both families of addresses. */
const guards = (verb: 'insert' | 'delete'): readonly string[] => Array<string>(4).fill(`firewalls.${verb}`)

export const google: RecoveryCloud = {
  cloud,
  isAccepted: (action) => cloud.isAccepted(action),
  isRepeated: (action) => ['instantSnapshots.delete', 'instantSnapshotGroups.delete'].includes(action),
  async open() {
    const crash = await openGoogle()
    return { crash, site: await siteOf(crash.server) }
  },
  scenarios: {
    copy: { changes: ['images.insert', 'images.insert', 'images.insert'] },
    capture: { changes: keeping, sample: 1 },
    rollback: {
      changes: [
        ...[...keeping, 'disks.insert', 'disks.insert', 'disks.insert', 'backendServices.patch', 'instances.stop'],
        ...['instances.detachDisk', 'instances.attachDisk', 'instances.detachDisk', 'instances.detachDisk'],
        ...['instances.attachDisk', 'instances.attachDisk', 'instances.start', 'backendServices.patch'],
      ],
      keptFrom: 9,
      sample: 2,
    },
    fields: { changes: [...keeping, 'instances.setLabels', 'instances.setDeletionProtection'], keptFrom: 9 },
    testRollback: {
      changes: [...guards('insert'), 'instances.insert', 'instances.delete', 'disks.delete', ...guards('delete')],
      committedFrom: 6,
    },
    restoreDisk: { changes: ['disks.insert', 'instances.attachDisk'] },
    releaseDisk: { changes: ['instances.detachDisk', 'disks.delete'] },
    paths: { missing: 'Google Cloud has no channel for commands.' },
  },
}
