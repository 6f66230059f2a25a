import { ArmError } from './arm-error.ts'
import type { ArmCall } from './call.ts'
import { checkLocation } from './locations.ts'
import { notFound } from './resource-id.ts'
import type { RestorePointCollectionRecord, RestorePointRecord } from './state.ts'

/**
 * A collection whose source is a collection, and not a VM, has copies of its restore points, and is in another region.
 * https://learn.microsoft.com/azure/virtual-machines/virtual-machines-copy-restore-points-how-to
 */
export function copiedCollection(call: ArmCall, sourceId: string, location: string): RestorePointCollectionRecord | undefined {
  const source = call.state.restorePointCollections.get(sourceId.toLowerCase())
  if (source === undefined) return undefined
  checkLocation(call, location, 'restorePointCollections')
  if (source.location.toLowerCase() === location.toLowerCase())
    throw new ArmError(
      400,
      'InvalidParameter',
      `The collection ${source.name} is in ${location}: copies of its restore points have to be in another region.`,
    )
  return source
}

/** Of a restore point in the collection that this one is of; its disks come over in the background. */
export function copyOfPoint(
  call: ArmCall,
  wanted: { readonly id: string; readonly name: string; readonly collection: RestorePointCollectionRecord; readonly sourcePointId: string },
): RestorePointRecord {
  const { id, name, collection, sourcePointId } = wanted
  const of = call.state.restorePointCollections.get(collection.sourceId.toLowerCase())
  const source = [...(of?.points.values() ?? [])].find((point) => point.id.toLowerCase() === sourcePointId.toLowerCase())
  if (source === undefined) throw notFound(sourcePointId)
  const { storage } = call.dataCentre
  if (source.members.some(({ snapshotId }) => storage.getSnapshot(snapshotId)?.state !== 'completed'))
    throw new ArmError(409, 'OperationNotAllowed', `The restore point ${source.name} is not complete: it cannot be copied yet.`)
  return {
    ...{ id, name, consistencyMode: source.consistencyMode, vm: source.vm, copyOf: source.id, createdAtMs: call.dataCentre.now() },
    members: source.members.map((member) => ({
      id: `${id}/diskRestorePoints/${member.disk.name}_${call.state.newId()}`,
      disk: member.disk,
      copyOf: member.id,
      snapshotId: storage.copySnapshot({
        ...{ snapshotId: member.snapshotId, region: collection.location, tags: collection.tags, atOnceMax: Number.POSITIVE_INFINITY },
      }).snapshotId,
    })),
  }
}

/** Copies of a restore point that is deleted before they are complete never will be. */
export function breakPointsOf({ state, dataCentre }: ArmCall, { id }: RestorePointRecord): void {
  for (const { points, location } of state.restorePointCollections.values())
    for (const { copyOf, members } of points.values())
      for (const { snapshotId } of copyOf === id ? members : [])
        if (dataCentre.storage.getSnapshot(snapshotId)?.state === 'pending') dataCentre.storage.spoilSnapshot(snapshotId, location)
}
