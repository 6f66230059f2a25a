import type { AzureServer } from '@understudy/cloud-sim'
import type { JsonObject } from '@understudy/core'
import { armOf, azure as cloud, openAzure, seedAzure } from '../../clouds/azure.ts'
import { isThere, speed } from '../../clouds/cloud.ts'
import type { StorageProfile } from '../../../rollback/azure-site.ts'
import { copiesByTag, letPass, ofTheOwner } from './recovery-cloud.ts'
import type { RecoveryCloud, Site } from './recovery-cloud.ts'

type Resources = Parameters<NonNullable<Parameters<typeof seedAzure>[3]>>[0]

/** On demand, with two data disks of which one goes with the machine. */
function withDataDisks(resources: Resources): Resources {
  const [os, machine] = [
    resources.find(({ type }) => type === 'Microsoft.Compute/disks'),
    resources.find(({ type }) => type === 'Microsoft.Compute/virtualMachines'),
  ]
  if (os === undefined || machine === undefined) throw new Error('the workload has no machine')
  const { priority: _p, evictionPolicy: _e, billingProfile: _b, ...properties } = machine.body['properties'] as JsonObject // as it is made there
  const { osDisk } = properties['storageProfile'] as { readonly osDisk: { readonly managedDisk: { readonly id: string } } } // the same
  const data = [0, 1].map((lun) => ({
    ...os,
    name: `${machine.name}-data${lun}`,
    body: { ...os.body, properties: { diskSizeGB: 4, creationData: { createOption: 'Empty' } } },
  }))
  const dataDisks = data.map(({ name }, lun) => ({
    lun,
    createOption: 'Attach',
    managedDisk: { id: osDisk.managedDisk.id.replace(/[^/]+$/, name) },
    deleteOption: lun === 0 ? 'Delete' : 'Detach',
  }))
  const body = { ...machine.body, properties: { ...properties, storageProfile: { osDisk, dataDisks } } }
  return [...resources.filter((one) => one !== machine), ...data, { ...machine, body }]
}

async function siteOf(server: AzureServer): Promise<Site> {
  const { state, dataCentre, clock } = server
  const arm = await armOf(server)
  const service = await seedAzure(server, arm, 'web', withDataDisks)
  const machine = () => state.vms.get(service.nativeId.toLowerCase())!
  const volumeIdOf = (id: string): string | undefined => state.disks.get(id.toLowerCase())?.volumeId
  return {
    service,
    instanceId: () => machine().instanceId ?? '',
    disks() {
      const { osDisk, dataDisks } = machine().properties['storageProfile'] as unknown as StorageProfile // as it was accepted
      return [
        { device: 'os', entry: osDisk },
        ...dataDisks.toSorted((a, b) => a.lun - b.lun).map((entry) => ({ device: `lun:${entry.lun}`, entry })),
      ].map(({ device, entry }) => ({ device, volumeId: volumeIdOf(entry.managedDisk.id) ?? '', deletes: entry.deleteOption === 'Delete' }))
    },
    tags: () => ofTheOwner(machine().tags),
    isProtected: () => state.isLocked(service.nativeId),
    async define({ tags, without, isProtected }) {
      const { id } = machine()
      const wanted = Object.fromEntries(Object.entries({ ...machine().tags, ...tags }).filter(([key]) => !without.includes(key)))
      await arm('PATCH', `${id}?api-version=2026-03-01`, { tags: wanted })
      if (state.isLocked(id) === isProtected) return
      const lock = `${id}/providers/Microsoft.Authorization/locks/understudy-keep?api-version=2020-05-01`
      await arm(isProtected ? 'PUT' : 'DELETE', lock, isProtected ? { properties: { level: 'CanNotDelete' } } : {})
    },
    volumeIdOf,
    snapshotIdOf: (member) =>
      [...state.restorePointCollections.values()]
        .flatMap(({ points }) => [...points.values()].flatMap(({ members }) => members))
        .find(({ id }) => id.toLowerCase() === member.toLowerCase())?.snapshotId,
    copiesOf: (pointId) => copiesByTag(dataCentre, pointId),
    others: () => [
      ...[...dataCentre.instances.all()].filter((one) => isThere(dataCentre, one.instanceId)).map((one) => one.instanceId),
      // A collection without a restore point is what a dead worker has left.
      ...[...state.restorePointCollections.values()].filter(({ points }) => points.size === 0).map(({ id }) => id),
      ...[state.vms, state.nics, state.securityGroups, state.publicIps, state.snapshots, state.runCommands].flatMap((map) => [...map.keys()]),
    ],
    // Of one machine, three restore points in an hour.
    calmDown: () => letPass(clock, 3_660_000, speed),
  }
}

const keeping = ['restorePointCollections.put', 'restorePoints.put']
const scripts = (count: number): readonly string[] => Array.from({ length: count }, () => ['runCommands.put', 'runCommands.delete']).flat()

export const azure: RecoveryCloud = {
  cloud,
  isAccepted: (action) => cloud.isAccepted(action) && !action.startsWith('locks.'),
  isRepeated: () => false,
  async open() {
    const crash = await openAzure()
    return { crash, site: await siteOf(crash.server) }
  },
  scenarios: {
    copy: { changes: keeping },
    capture: { changes: keeping, sample: 1 },
    rollback: {
      changes: [
        ...[...keeping, 'disks.put', 'disks.put', 'disks.put', 'backendAddressPools.put', 'virtualMachines.deallocate'],
        ...['virtualMachines.patch', 'virtualMachines.attachDetachDataDisks', 'virtualMachines.attachDetachDataDisks'],
        ...['virtualMachines.start', 'backendAddressPools.put'],
      ],
      keptFrom: 3,
      sample: 2,
    },
    fields: { changes: [...keeping, 'virtualMachines.patch', 'locks.delete'], keptFrom: 3 },
    testRollback: {
      changes: [
        ...['networkSecurityGroups.put', 'disks.put', 'disks.put', 'disks.put', 'networkInterfaces.put', 'virtualMachines.put'],
        ...['virtualMachines.delete', 'disks.delete', 'networkSecurityGroups.delete'],
      ],
      committedFrom: 7,
    },
    restoreDisk: { changes: ['disks.put', 'virtualMachines.attachDetachDataDisks'] },
    releaseDisk: { changes: ['virtualMachines.attachDetachDataDisks', 'disks.delete'] },
    paths: {
      // Asked whether anybody answers; mounted, looked at, put aside, copied, compared; unmounted, and what was put aside dropped.
      changes: [
        ...[...scripts(1), ...keeping, 'disks.put', 'virtualMachines.attachDetachDataDisks'],
        ...[...scripts(5), ...scripts(2), 'virtualMachines.attachDetachDataDisks', 'disks.delete'],
      ],
      committedFrom: 17,
      keptFrom: 5,
    },
  },
}
