import type { SimServer } from '@understudy/cloud-sim'
import { vi } from 'vitest'
import { aws as cloud, openAws, seedAws } from '../../clouds/aws.ts'
import { isThere } from '../../clouds/cloud.ts'
import { copiesByTag, ofTheOwner } from './recovery-cloud.ts'
import type { RecoveryCloud, Site } from './recovery-cloud.ts'

const patience = { timeout: 900_000, interval: 100 }

async function siteOf(server: SimServer): Promise<Site> {
  const { dataCentre } = server
  const { instances, storage, network, tags } = dataCentre
  const [service] = await seedAws(server, { name: 'web', count: 1, purchase: 'on-demand' })
  if (service === undefined) throw new Error('no service was seeded')
  const { nativeId: instanceId } = service
  const { volumeId } = storage.createVolume({ zone: instances.get(instanceId)!.zone, sizeGiB: 1 })
  await vi.waitUntil(() => storage.getVolume(volumeId)?.state === 'available', patience)
  storage.attach({ volumeId, instanceId, device: '/dev/sdg' })
  await vi.waitUntil(() => storage.getVolume(volumeId)?.attachment?.state === 'attached', patience)
  const instance = () => instances.get(instanceId)!
  return {
    service,
    instanceId: () => instanceId,
    disks: () =>
      instance()
        .blockDevices.toSorted((a, b) => (a.deviceName < b.deviceName ? -1 : 1))
        .map((disk) => ({ device: disk.deviceName, volumeId: disk.volumeId, deletes: disk.deleteOnTermination })),
    tags: () => ofTheOwner(instance().tags),
    isProtected: () => instance().disableApiTermination,
    define({ tags: wanted, without, isProtected }) {
      tags.create([instanceId], wanted)
      tags.delete([instanceId], Object.fromEntries(without.map((key) => [key, undefined])))
      instances.modifyAttribute(instanceId, { attribute: 'disableApiTermination', value: isProtected })
    },
    volumeIdOf: (nativeId) => storage.getVolume(nativeId)?.volumeId,
    snapshotIdOf: (member) => storage.getSnapshot(member)?.snapshotId,
    copiesOf: (pointId) => copiesByTag(dataCentre, pointId),
    others: () => [
      ...[...instances.all()].filter((one) => isThere(dataCentre, one.instanceId)).map((one) => one.instanceId),
      ...network.describeSecurityGroups().items.map(({ groupId }) => groupId),
    ],
    calmDown: () => Promise.resolve(),
  }
}

const scripts = (count: number): readonly string[] => Array<string>(count).fill('SendCommand')

export const aws: RecoveryCloud = {
  cloud,
  isAccepted: () => false,
  isRepeated: () => false,
  async open() {
    const crash = await openAws()
    return { crash, site: await siteOf(crash.server) }
  },
  scenarios: {
    capture: { changes: ['CreateSnapshots'], sample: 1 },
    copy: { changes: ['CopySnapshot', 'CopySnapshot', 'CopySnapshot'], sample: 1 },
    rollback: {
      changes: [
        ...['CreateSnapshots', 'CreateVolume', 'CreateVolume', 'CreateVolume', 'ModifyListener', 'StopInstances'],
        ...['DetachVolume', 'DetachVolume', 'DetachVolume', 'AttachVolume', 'AttachVolume', 'AttachVolume'],
        ...['ModifyInstanceAttribute', 'ModifyInstanceAttribute', 'StartInstances', 'ModifyListener'],
      ],
      keptFrom: 2,
      sample: 3,
    },
    fields: { changes: ['CreateSnapshots', 'CreateTags', 'DeleteTags', 'ModifyInstanceAttribute'], keptFrom: 2, sample: 1 },
    testRollback: {
      changes: ['CreateSecurityGroup', 'RevokeSecurityGroupEgress', 'RunInstances', 'TerminateInstances', 'DeleteVolume', 'DeleteSecurityGroup'],
      committedFrom: 4,
      sample: 1,
    },
    restoreDisk: { changes: ['CreateVolume', 'AttachVolume'], sample: 1 },
    releaseDisk: { changes: ['DetachVolume', 'DeleteVolume'] },
    paths: {
      // Asked whether anybody answers; mounted, looked at, put aside, copied, compared; unmounted, and what was put aside dropped.
      changes: [...scripts(1), 'CreateSnapshots', 'CreateVolume', 'AttachVolume', ...scripts(5), ...scripts(2), 'DetachVolume', 'DeleteVolume'],
      committedFrom: 10,
      keptFrom: 3,
      sample: 2,
    },
  },
}
