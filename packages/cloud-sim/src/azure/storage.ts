import type { JsonObject } from '@understudy/core'
import { SimError } from '../datacentre/sim-error.ts'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, type ArmWorld, at, need, needText, ok, oneOf, tagsOf, textAt } from './call.ts'
import { begin } from './operations.ts'
import type { DiskRecord, SnapshotRecord } from './state.ts'

const imageSizeGiB = 40
export const idOf = (call: ArmCall, type: string, name: string): string =>
  `/subscriptions/${call.state.subscription}/resourceGroups/${call.params['group'] ?? ''}/providers/${type}/${name}`

export const notFound = (id: string): ArmError =>
  new ArmError(
    404,
    'ResourceNotFound',
    `The Resource '${id.split('/providers/').pop() ?? id}' under resource group was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  )

// ---------- disks ----------

export async function putDisk(call: ArmCall): Promise<ArmReply> {
  const id = idOf(call, 'Microsoft.Compute/disks', call.params['name'] ?? '')
  needText(call.body, 'location')
  oneOf(call.body, 'properties.creationData.createOption', ['Empty', 'FromImage', 'Copy', 'Restore'])
  const creationData = need(call.body, 'properties.creationData') as JsonObject // an object; its members are checked one by one
  const createOption = needText(call.body, 'properties.creationData.createOption')
  return await call.dataCentre.invoke('Disks_CreateOrUpdate', () => {
    const existing = call.state.disks.get(id.toLowerCase())
    if (existing !== undefined) {
      existing.tags = tagsOf(call.body)
      return ok(diskBody(call, existing))
    }
    const source = createOption === 'Copy' ? snapshotBehind(call) : createOption === 'Restore' ? restorePointBehind(call) : undefined
    if (createOption === 'FromImage') needText(call.body, 'properties.creationData.imageReference.id')
    const asked = at(call.body, 'properties.diskSizeGB')
    const sizeGiB = typeof asked === 'number' ? asked : (source?.sizeGiB ?? (createOption === 'FromImage' ? imageSizeGiB : undefined))
    if (sizeGiB === undefined) throw new ArmError(400, 'InvalidParameter', "Required parameter 'disk.diskSizeGB' is missing (null).")
    const zone = textAt(call.body, 'zones.0')
    const volume = call.dataCentre.storage.createVolume({
      zone: zoneNameOf(call, zone),
      sizeGiB,
      ...(source === undefined ? {} : { snapshotId: source.snapshotId }),
    })
    const disk: DiskRecord = {
      id,
      name: call.params['name'] ?? '',
      location: needText(call.body, 'location'),
      zone,
      sku: textAt(call.body, 'sku.name') ?? 'Standard_LRS',
      sizeGiB,
      creationData,
      snapshotId: source?.snapshotId,
      createdAtMs: call.dataCentre.now(),
      tags: tagsOf(call.body),
      volumeId: volume.volumeId,
      managedBy: undefined,
    }
    call.state.disks.set(id.toLowerCase(), disk)
    return begin(call, () => 'Succeeded', { status: 202, body: diskBody(call, disk) })
  })
}

function snapshotBehind(call: ArmCall): SnapshotRecord {
  const id = needText(call.body, 'properties.creationData.sourceResourceId')
  const snapshot = call.state.snapshots.get(id.toLowerCase())
  if (snapshot === undefined) throw notFound(id)
  return snapshot
}

function restorePointBehind(call: ArmCall): { readonly snapshotId: string; readonly sizeGiB: number } {
  const id = needText(call.body, 'properties.creationData.sourceResourceId')
  const members = [...call.state.restorePointCollections.values()].flatMap(({ points }) => [...points.values()]).flatMap((point) => point.members)
  const found = members.find((member) => member.id.toLowerCase() === id.toLowerCase())
  if (found === undefined) throw notFound(id)
  return { snapshotId: found.snapshotId, sizeGiB: found.disk.sizeGiB }
}

/** ARM's logical zones are the data centre's in their order. */
export const zoneNameOf = (call: ArmCall, zone: string | undefined): string => `${call.dataCentre.region}${'abc'[Number(zone ?? '1') - 1] ?? ''}`

const diskState = (disk: DiskRecord): string => (disk.managedBy === undefined ? 'Unattached' : 'Attached')

const diskBody = (_call: ArmCall, disk: DiskRecord): JsonObject => ({
  id: disk.id,
  name: disk.name,
  type: 'Microsoft.Compute/disks',
  location: disk.location,
  ...(disk.zone === undefined ? {} : { zones: [disk.zone] }),
  sku: { name: disk.sku, tier: disk.sku.split('_')[0] ?? '' },
  tags: disk.tags,
  ...(disk.managedBy === undefined ? {} : { managedBy: disk.managedBy }),
  properties: {
    creationData: disk.creationData,
    diskSizeGB: disk.sizeGiB,
    diskIOPSReadWrite: 500,
    diskMBpsReadWrite: 100,
    encryption: { type: 'EncryptionAtRestWithPlatformKey' },
    provisioningState: 'Succeeded',
    diskState: diskState(disk),
    timeCreated: new Date(disk.createdAtMs).toISOString(),
    uniqueId: disk.volumeId,
  },
})

function diskOf(call: ArmCall): DiskRecord {
  const id = idOf(call, 'Microsoft.Compute/disks', call.params['name'] ?? '')
  const disk = call.state.disks.get(id.toLowerCase())
  if (disk === undefined) throw notFound(id)
  return disk
}

export const getDisk = (call: ArmCall): Promise<ArmReply> => call.dataCentre.invoke('Disks_Get', () => ok(diskBody(call, diskOf(call))))

export const listDisks = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Disks_List', () => ok({ value: [...call.state.disks.values()].map((disk) => diskBody(call, disk)) }))

export const patchDisk = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Disks_Update', () => {
    const disk = diskOf(call)
    if (call.body['tags'] !== undefined) disk.tags = tagsOf(call.body)
    return ok(diskBody(call, disk))
  })

export const deleteDisk = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Disks_Delete', () => {
    const disk = call.state.disks.get(idOf(call, 'Microsoft.Compute/disks', call.params['name'] ?? '').toLowerCase())
    if (disk === undefined) return { status: 204 }
    if (disk.managedBy !== undefined) throw new ArmError(409, 'OperationNotAllowed', `Disk ${disk.name} is attached to VM ${disk.managedBy}.`)
    call.state.disks.delete(disk.id.toLowerCase())
    dropVolume(call, disk.volumeId)
    return begin(call, () => 'Succeeded')
  })

/** A volume that is still being made stays behind: nothing in ARM shows it. */
export function dropVolume(call: ArmWorld, volumeId: string): void {
  try {
    call.dataCentre.storage.deleteVolume(volumeId)
  } catch (error) {
    if (!(error instanceof SimError)) throw error
  }
}

// ---------- snapshots ----------

export async function putSnapshot(call: ArmCall): Promise<ArmReply> {
  const id = idOf(call, 'Microsoft.Compute/snapshots', call.params['name'] ?? '')
  needText(call.body, 'location')
  oneOf(call.body, 'properties.creationData.createOption', ['Copy'])
  oneOf(call.body, 'sku.name', ['Standard_LRS', 'Premium_LRS', 'Standard_ZRS'])
  const sourceDiskId = needText(call.body, 'properties.creationData.sourceResourceId')
  return await call.dataCentre.invoke('Snapshots_CreateOrUpdate', () => {
    const existing = call.state.snapshots.get(id.toLowerCase())
    if (existing !== undefined) {
      existing.tags = tagsOf(call.body)
      return ok(snapshotBody(call, existing))
    }
    const disk = call.state.disks.get(sourceDiskId.toLowerCase())
    if (disk === undefined) throw notFound(sourceDiskId)
    const made = call.dataCentre.storage.createSnapshot({ volumeId: disk.volumeId })
    const snapshot: SnapshotRecord = {
      id,
      name: call.params['name'] ?? '',
      location: needText(call.body, 'location'),
      sku: textAt(call.body, 'sku.name') ?? 'Standard_LRS',
      sourceDiskId: disk.id,
      incremental: at(call.body, 'properties.incremental') === true,
      snapshotId: made.snapshotId,
      sizeGiB: disk.sizeGiB,
      createdAtMs: call.dataCentre.now(),
      tags: tagsOf(call.body),
    }
    call.state.snapshots.set(id.toLowerCase(), snapshot)
    return begin(call, () => 'Succeeded', { status: 202, body: snapshotBody(call, snapshot) })
  })
}

function snapshotBody(call: ArmCall, snapshot: SnapshotRecord): JsonObject {
  const behind = call.dataCentre.storage.getSnapshot(snapshot.snapshotId)
  return {
    id: snapshot.id,
    name: snapshot.name,
    type: 'Microsoft.Compute/snapshots',
    location: snapshot.location,
    sku: { name: snapshot.sku, tier: 'Standard' },
    tags: snapshot.tags,
    properties: {
      creationData: { createOption: 'Copy', sourceResourceId: snapshot.sourceDiskId },
      diskSizeGB: snapshot.sizeGiB,
      incremental: snapshot.incremental,
      provisioningState: behind?.state === 'error' ? 'Failed' : 'Succeeded',
      completionPercent: behind === undefined ? 0 : call.dataCentre.storage.progressPercent(behind),
      timeCreated: new Date(snapshot.createdAtMs).toISOString(),
    },
  }
}

export const getSnapshot = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Snapshots_Get', () => {
    const id = idOf(call, 'Microsoft.Compute/snapshots', call.params['name'] ?? '')
    const snapshot = call.state.snapshots.get(id.toLowerCase())
    if (snapshot === undefined) throw notFound(id)
    return ok(snapshotBody(call, snapshot))
  })

export const listSnapshots = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Snapshots_List', () => ok({ value: [...call.state.snapshots.values()].map((snapshot) => snapshotBody(call, snapshot)) }))

export const patchSnapshot = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Snapshots_Update', () => {
    const id = idOf(call, 'Microsoft.Compute/snapshots', call.params['name'] ?? '')
    const snapshot = call.state.snapshots.get(id.toLowerCase())
    if (snapshot === undefined) throw notFound(id)
    if (call.body['tags'] !== undefined) snapshot.tags = tagsOf(call.body)
    return ok(snapshotBody(call, snapshot))
  })

export const deleteSnapshot = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Snapshots_Delete', () => {
    const id = idOf(call, 'Microsoft.Compute/snapshots', call.params['name'] ?? '')
    const snapshot = call.state.snapshots.get(id.toLowerCase())
    if (snapshot === undefined) return { status: 204 }
    call.state.snapshots.delete(id.toLowerCase())
    call.dataCentre.storage.deleteSnapshot(snapshot.snapshotId)
    return begin(call, () => 'Succeeded')
  })
