import { ArmError } from './arm-error.ts'
import { type ArmCall, tagsOf } from './call.ts'
import { checkLocation } from './locations.ts'
import { notFound } from './resource-id.ts'
import type { SnapshotRecord } from './state.ts'

/**
 * To one region at once, of one subscription. Of one disk it is one at a time, in the order in which they were taken. What Azure refuses more with is
 * not documented. https://learn.microsoft.com/azure/virtual-machines/disks-copy-incremental-snapshot-across-regions#restrictions
 */
const atOnceMax = 100

/** An incremental snapshot of this region, once more in another one (`CopyStart`). Its bytes come over in the background. */
export function copyOfSnapshot(
  call: ArmCall,
  { sourceId, location, incremental }: { readonly sourceId: string; readonly location: string; readonly incremental: boolean },
): Pick<SnapshotRecord, 'sourceDiskId' | 'sourceSku' | 'osType' | 'family' | 'snapshotId' | 'sizeGiB' | 'takenAtMs' | 'copyOf'> {
  const source = call.state.snapshots.get(sourceId.toLowerCase())
  if (source === undefined) throw notFound(sourceId)
  checkLocation(call, location, 'snapshots')
  if (!source.incremental || !incremental)
    throw new ArmError(400, 'InvalidParameter', `CopyStart copies incremental snapshots to incremental ones only: see ${source.name}.`)
  if (location.toLowerCase() === source.location.toLowerCase())
    throw new ArmError(409, 'OperationNotAllowed', `The simulated region makes no copies within itself: ${source.name} is in ${location} already.`)
  if (!isComplete(call, source))
    throw new ArmError(409, 'OperationNotAllowed', `The snapshot ${source.name} is not complete: it cannot be copied yet.`)
  const there = [...call.state.snapshots.values()].filter((one) => one.copyOf !== undefined && one.location.toLowerCase() === location.toLowerCase())
  const pending = there.filter((one) => call.dataCentre.storage.getSnapshot(one.snapshotId)?.state === 'pending')
  if (pending.length >= atOnceMax)
    throw new ArmError(409, 'OperationNotAllowed', `${atOnceMax} incremental snapshots are being copied to ${location} already.`)
  if (pending.some(({ family }) => family === source.family))
    throw new ArmError(409, 'OperationNotAllowed', `Another snapshot of the disk of ${source.name} is being copied to ${location}.`)
  if (there.some(({ family, takenAtMs }) => family === source.family && takenAtMs > source.takenAtMs))
    throw new ArmError(409, 'OperationNotAllowed', `A later snapshot of the disk of ${source.name} was copied to ${location} before.`)
  const { snapshotId } = call.dataCentre.storage.copySnapshot({
    ...{ snapshotId: source.snapshotId, region: location, tags: tagsOf(call.body), atOnceMax: Number.POSITIVE_INFINITY },
  })
  const { sourceDiskId, sourceSku, osType, family, sizeGiB, takenAtMs } = source
  return { sourceDiskId, sourceSku, osType, family, sizeGiB, takenAtMs, snapshotId, copyOf: source.id }
}

const isComplete = ({ dataCentre }: ArmCall, { snapshotId }: SnapshotRecord): boolean =>
  dataCentre.storage.getSnapshot(snapshotId)?.state === 'completed'

/** A copy whose source is deleted before it is complete never will be. */
export function breakCopiesOf({ state, dataCentre }: ArmCall, { id }: SnapshotRecord): void {
  for (const copy of state.snapshots.values()) {
    if (copy.copyOf !== id || dataCentre.storage.getSnapshot(copy.snapshotId)?.state !== 'pending') continue
    dataCentre.storage.spoilSnapshot(copy.snapshotId, copy.location)
    copy.copyBroken = true
  }
}
