import type { JsonObject } from '@understudy/core'
import { SimError } from '../datacentre/sim-error.ts'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, type ArmWorld, at, need, needText, ok, oneOf, tagsOf, textAt } from './call.ts'
import { begin } from './operations.ts'
import { idOf, notFound } from './resource-id.ts'
import { copiedSnapshot } from './snapshots.ts'
import type { DiskRecord } from './state.ts'

const imageSizeGiB = 40
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
    const source = createOption === 'Copy' ? copiedSnapshot(call) : createOption === 'Restore' ? restorePointBehind(call) : undefined
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
    return begin(call, () => (isBeingMade(call, disk) ? 'InProgress' : 'Succeeded'), { status: 202, body: diskBody(call, disk) })
  })
}

/** Its bytes are on their way: nothing can be done with it yet. */
export const isBeingMade = ({ dataCentre }: ArmCall, { volumeId }: DiskRecord): boolean =>
  dataCentre.storage.getVolume(volumeId)?.state === 'creating'

function restorePointBehind(call: ArmCall): { readonly snapshotId: string; readonly sizeGiB: number } {
  const id = needText(call.body, 'properties.creationData.sourceResourceId')
  const collection = [...call.state.restorePointCollections.values()].find((one) => id.toLowerCase().startsWith(`${one.id.toLowerCase()}/`))
  const members = [...(collection?.points.values() ?? [])].flatMap((point) => point.members)
  const found = members.find((member) => member.id.toLowerCase() === id.toLowerCase())
  if (collection === undefined || found === undefined) throw notFound(id)
  const location = needText(call.body, 'location')
  if (collection.location.toLowerCase() !== location.toLowerCase())
    throw new ArmError(400, 'InvalidParameter', `The disk is to be in ${location}, and the restore point ${id} is in ${collection.location}.`)
  return { snapshotId: found.snapshotId, sizeGiB: found.disk.sizeGiB }
}

/** ARM's logical zones are the data centre's in their order. */
export const zoneNameOf = (call: ArmCall, zone: string | undefined): string => `${call.dataCentre.region}${'abc'[Number(zone ?? '1') - 1] ?? ''}`

const diskState = (disk: DiskRecord): string => (disk.managedBy === undefined ? 'Unattached' : 'Attached')

const diskBody = (call: ArmCall, disk: DiskRecord): JsonObject => ({
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
    provisioningState: isBeingMade(call, disk) ? 'Creating' : 'Succeeded',
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
