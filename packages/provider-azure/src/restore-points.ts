import type { RestorePoint, RestorePointCollection } from '@azure/arm-compute'
import { ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { CallContext, InstanceRef, SnapshotSetRef, SnapshotState } from '@understudy/provider'
import { abortOf, type Adapter, armId, call, found, waiting } from './adapter.ts'
import { isIn, nameOf, sameId } from './arm-id.ts'
import type { KeptDisk, KeptSet } from './kept-set.ts'
import { copyOfTag, idTag } from './tags.ts'

/**
 * Restore points of a VM: crash-consistent over all its disks, incremental, in every zone. Each is in a collection of its own,
 * whose name is the key's: restore points have no tags, and are found by no list but that of their collection.
 */
export async function readRestorePoint(adapter: Adapter, { setId }: SnapshotSetRef, region = adapter.scope.region): Promise<KeptSet | undefined> {
  const { restorePointCollections, restorePoints } = adapter.clients.compute
  const name = nameOf(setId)
  const collection = await found(() => restorePointCollections.get(adapter.resourceGroup, name))
  if (collection?.tags?.[ownTags.operation] !== setId || !isIn(collection.location, region)) return undefined
  const point = await found(() => restorePoints.get(adapter.resourceGroup, name, name, { expand: 'instanceView' }))
  const disks = disksOf(point)
  const profile = point?.sourceMetadata?.storageProfile
  const isWriteCached = [profile?.osDisk, ...(profile?.dataDisks ?? [])].some((disk) => disk?.caching === 'ReadWrite')
  const why = point?.instanceView?.statuses?.find(({ level }) => level === 'Error')?.message
  return {
    how: 'restore-point',
    tags: collection.tags,
    ...(collection.source?.id === undefined ? {} : { sourceId: collection.source.id }),
    takenAt: point?.timeCreated === undefined ? undefined : new Date(point.timeCreated),
    // Crash-consistent, unless a disk is cached for writing on the host: then Azure does not vouch for one moment
    // (https://learn.microsoft.com/azure/virtual-machines/virtual-machines-create-restore-points).
    consistency: isWriteCached && disks.length > 1 ? 'none' : 'crash',
    state: stateOf(point, disks.length === 0 ? 0 : Math.min(...disks.map(({ percent }) => percent))),
    isWhole: point !== undefined,
    disks,
    ...(why === undefined ? {} : { why }),
  }
}

const stateOf = (point: RestorePoint | undefined, percent: number): SnapshotState =>
  point === undefined || point.provisioningState === 'Failed'
    ? 'failed'
    : percent >= 100 && point.provisioningState === 'Succeeded'
      ? 'usable'
      : 'pending'

/** What the VM was is kept with the restore point. */
function disksOf(point: RestorePoint | undefined): readonly KeptDisk[] {
  const { osDisk, dataDisks = [] } = point?.sourceMetadata?.storageProfile ?? {}
  const disks = [
    ...(osDisk === undefined
      ? []
      : [{ deviceKey: 'os', role: 'root' as const, osType: osDisk.osType === 'Windows' ? ('Windows' as const) : ('Linux' as const), disk: osDisk }]),
    ...dataDisks
      .toSorted((a, b) => (a.lun ?? 0) - (b.lun ?? 0))
      .map((disk) => ({ deviceKey: `lun:${disk.lun ?? 0}`, role: 'data' as const, osType: undefined, disk })),
  ]
  return disks.flatMap(({ deviceKey, role, osType, disk }): readonly KeptDisk[] => {
    const id = disk.diskRestorePoint?.id
    if (id === undefined) return []
    const view = point?.instanceView?.diskRestorePoints?.find((candidate) => sameId(candidate.id ?? '', id))
    const percent = view?.replicationStatus?.completionPercent ?? (point?.provisioningState === 'Succeeded' ? 100 : 0)
    return [
      {
        ...{ deviceKey, role, osType, id, createOption: 'Restore', percent },
        type: disk.managedDisk?.storageAccountType ?? 'Premium_LRS',
        sizeGiB: disk.diskSizeGB ?? 0,
        caching: disk.caching,
        ...(disk.diskRestorePoint?.sourceDiskRestorePoint?.id === undefined ? {} : { copyOf: disk.diskRestorePoint.sourceDiskRestorePoint.id }),
        state: stateOf(point, percent),
      },
    ]
  })
}

/** Repeated with the same key: the same one, also when the answer of an attempt before was lost. */
export async function makeRestorePoint(
  adapter: Adapter,
  { ref, leftOut }: { readonly ref: InstanceRef; readonly leftOut: readonly string[] },
  tags: Labels,
  context: CallContext,
): Promise<void> {
  const excluded = leftOut.length === 0 ? {} : { excludeDisks: leftOut.map((id) => ({ id })) }
  const collection = { location: adapter.scope.region, source: { id: ref.nativeId }, tags: { ...tags } }
  await putRestorePoint(adapter, collection, { consistencyMode: 'CrashConsistent', ...excluded }, context)
}

/**
 * All of a set once more, in another region: a collection there whose source is the set's, with a copy of its restore point.
 * https://learn.microsoft.com/azure/virtual-machines/virtual-machines-copy-restore-points-how-to
 */
export async function copyRestorePoint(
  adapter: Adapter,
  { setId }: SnapshotSetRef,
  region: string,
  tags: Labels,
  context: CallContext,
): Promise<void> {
  const source = armId(adapter, 'Microsoft.Compute/restorePointCollections', nameOf(setId))
  const collection = { location: region, source: { id: source }, tags: { ...tags, ...idTag(copyOfTag, source) } }
  await putRestorePoint(adapter, collection, { sourceRestorePoint: { id: `${source}/restorePoints/${nameOf(setId)}` } }, context)
}

async function putRestorePoint(
  adapter: Adapter,
  collection: RestorePointCollection,
  what: RestorePoint,
  { idempotencyKey: setId, signal }: CallContext,
): Promise<void> {
  const { restorePointCollections, restorePoints } = adapter.clients.compute
  const name = nameOf(setId)
  await call(() => restorePointCollections.createOrUpdate(adapter.resourceGroup, name, collection, abortOf(signal)))
  try {
    await call(async () => {
      const poller = restorePoints.create(adapter.resourceGroup, name, name, what, abortOf(signal))
      await poller.submitted()
    })
  } catch (error) {
    // An attempt whose answer was lost has made it: a restore point is made once under its name.
    if (!isProviderError(error, 'conflict', 'already_exists') || (await readRestorePoint(adapter, { setId }, collection.location))?.isWhole !== true)
      throw error
  }
}

/** The restore point goes with its collection. `false`: there was none. */
export async function deleteRestorePoint(
  adapter: Adapter,
  { setId }: SnapshotSetRef,
  { signal }: CallContext,
  region = adapter.scope.region,
): Promise<boolean> {
  if ((await readRestorePoint(adapter, { setId }, region)) === undefined) return false
  await call(async () => adapter.clients.compute.restorePointCollections.delete(adapter.resourceGroup, nameOf(setId), waiting(adapter, signal)))
  return true
}
