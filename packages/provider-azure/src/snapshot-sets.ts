import type { RestorePoint, RestorePointCollection } from '@azure/arm-compute'
import { ownTags } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { SnapshotSet, SnapshotSetRef, SnapshotState } from '@understudy/provider'
import { type Adapter, found, instanceRef } from './adapter.ts'
import { nameOf, sameId } from './arm-id.ts'
import { sourceTag, zoneTag } from './tags.ts'

export interface ReadSet {
  readonly collection: RestorePointCollection
  /** Absent when the collection was made and its restore point was not (yet), or is gone. */
  readonly point: RestorePoint | undefined
}

/** `undefined` when there is no collection of this key; one of another key under the same name is not ours. */
export async function readSet(adapter: Adapter, { setId }: SnapshotSetRef): Promise<ReadSet | undefined> {
  const { restorePointCollections, restorePoints } = adapter.clients.compute
  const name = nameOf(setId)
  const collection = await found(() => restorePointCollections.get(adapter.resourceGroup, name))
  if (collection?.tags?.[ownTags.operation] !== setId) return undefined
  return { collection, point: await found(() => restorePoints.get(adapter.resourceGroup, name, name, { expand: 'instanceView' })) }
}

interface Member {
  readonly deviceKey: string
  readonly role: 'root' | 'data'
  readonly diskRestorePointId: string
  readonly type: string
  readonly sizeGiB: number
  readonly osType: 'Windows' | 'Linux' | undefined
  /** Of the host, as the VM had it for the disk. */
  readonly caching: string | undefined
}

/** The root first, then by number. What the VM was is kept with the restore point. */
export function membersIn({ point }: ReadSet): readonly Member[] {
  const { osDisk, dataDisks = [] } = point?.sourceMetadata?.storageProfile ?? {}
  const disks = [
    ...(osDisk === undefined
      ? []
      : [{ deviceKey: 'os', role: 'root' as const, osType: osDisk.osType === 'Windows' ? ('Windows' as const) : ('Linux' as const), disk: osDisk }]),
    ...dataDisks
      .toSorted((a, b) => (a.lun ?? 0) - (b.lun ?? 0))
      .map((disk) => ({ deviceKey: `lun:${disk.lun ?? 0}`, role: 'data' as const, osType: undefined, disk })),
  ]
  return disks.flatMap(({ deviceKey, role, osType, disk }) =>
    disk.diskRestorePoint?.id === undefined
      ? []
      : [
          {
            ...{ deviceKey, role, osType, diskRestorePointId: disk.diskRestorePoint.id },
            type: disk.managedDisk?.storageAccountType ?? 'Premium_LRS',
            sizeGiB: disk.diskSizeGB ?? 0,
            caching: disk.caching,
          },
        ],
  )
}

/**
 * Crash-consistent, unless a disk is cached for writing on the host: then Azure does not vouch for one moment
 * (https://learn.microsoft.com/azure/virtual-machines/virtual-machines-create-restore-points).
 */
export function setOf(adapter: Adapter, ref: SnapshotSetRef, read: ReadSet): SnapshotSet {
  const { collection, point } = read
  const members = membersIn(read).map((member) => {
    const view = point?.instanceView?.diskRestorePoints?.find(({ id }) => sameId(id ?? '', member.diskRestorePointId))
    return { ...member, percent: view?.replicationStatus?.completionPercent ?? (point?.provisioningState === 'Succeeded' ? 100 : 0) }
  })
  const isFailed = point === undefined || point.provisioningState === 'Failed'
  const stateOf = (percent: number): SnapshotState =>
    isFailed ? 'failed' : percent >= 100 && point.provisioningState === 'Succeeded' ? 'usable' : 'pending'
  const progressPercent = members.length === 0 ? 0 : Math.min(...members.map(({ percent }) => percent))
  const profile = point?.sourceMetadata?.storageProfile
  const isWriteCached = [profile?.osDisk, ...(profile?.dataDisks ?? [])].some((disk) => disk?.caching === 'ReadWrite')
  return {
    ref,
    source: instanceRef(adapter.scope, collection.tags?.[sourceTag] ?? collection.source?.id ?? '', collection.tags?.[zoneTag]),
    takenAt: (point?.timeCreated === undefined ? new Date(0) : new Date(point.timeCreated)).toISOString(),
    consistency: isWriteCached && members.length > 1 ? 'none' : 'crash',
    state: members.length === 0 && !isFailed ? 'pending' : stateOf(progressPercent),
    progressPercent,
    members: members.map(({ deviceKey, role, diskRestorePointId, sizeGiB, percent }) => ({
      ...{ deviceKey, role, sizeGiB },
      snapshot: { ...adapter.scope, nativeId: diskRestorePointId },
      state: stateOf(percent),
    })),
  }
}

/** Throws `conflict` while the set cannot be used, `not_found` when it is gone. */
export async function usableSet(adapter: Adapter, ref: SnapshotSetRef): Promise<ReadSet> {
  const read = await readSet(adapter, ref)
  if (read?.point === undefined) throw providerError('not_found', 'SnapshotSet.NotFound', `There is no snapshot set ${ref.setId}.`)
  const { state, progressPercent } = setOf(adapter, ref, read)
  if (state !== 'usable')
    throw providerError('conflict', 'SnapshotSet.NotUsable', `The snapshot set ${ref.setId} is ${state}, ${progressPercent} % done.`)
  return read
}
