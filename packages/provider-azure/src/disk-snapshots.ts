import type { Snapshot } from '@azure/arm-compute'
import { ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { CallContext, DiskDna, ResourceDna, SnapshotSetRef, SnapshotState } from '@understudy/provider'
import { abortOf, type Adapter, call, found, listed, waiting } from './adapter.ts'
import { isIn, nameOf } from './arm-id.ts'
import { cachingOf } from './definitions.ts'
import type { KeptDisk, KeptSet } from './kept-set.ts'
import { cachingTag, deviceTag, membersTag, typeTag } from './tags.ts'

/** Azure has no restore points of these; their snapshots are copied in the background, and are usable when that is complete. */
const withoutRestorePoints = new Set(['PremiumV2_LRS', 'UltraSSD_LRS'])

/**
 * Whether incremental snapshots of each disk keep a VM, and not a restore point of all: of one disk they are as consistent, and Azure makes
 * more of them in an hour; and of some kinds of disks it makes nothing else.
 */
export const isKeptByDisk = ({ disks }: Pick<ResourceDna, 'disks'>): boolean =>
  disks.length === 1 || disks.some(({ type }) => withoutRestorePoints.has(type))

/**
 * Incremental snapshots of single disks, zone-redundant, so that every zone can use them. Each says in its tags what it was taken of: they
 * outlast the VM. https://learn.microsoft.com/azure/virtual-machines/disks-incremental-snapshots
 */
export const readDiskSnapshots = async (adapter: Adapter, ref: SnapshotSetRef, region = adapter.scope.region): Promise<KeptSet | undefined> =>
  keptIn(await snapshotsOf(adapter, ref, region))

/** The same of those that were just made, by their names: no list has to show them yet. */
export async function readNamedSnapshots(
  { clients, resourceGroup }: Adapter,
  { setId }: SnapshotSetRef,
  names: readonly string[],
): Promise<KeptSet | undefined> {
  const read = await Promise.all(names.map((name) => found(() => clients.compute.snapshots.get(resourceGroup, name))))
  return keptIn(read.flatMap((snapshot) => (snapshot?.tags?.[ownTags.operation] === setId ? [snapshot] : [])))
}

function keptIn(read: readonly Snapshot[]): KeptSet | undefined {
  const snapshots = read.toSorted((a, b) => placeOf(a) - placeOf(b))
  const [first] = snapshots
  if (first === undefined) return undefined
  const disks = snapshots.map(keptDisk)
  const isWhole = disks.length >= Number(first.tags?.[membersTag] ?? 1)
  const times = snapshots.flatMap(({ timeCreated }) => (timeCreated === undefined ? [] : [new Date(timeCreated).getTime()]))
  return {
    how: 'disk-snapshots',
    tags: first.tags ?? {},
    takenAt: times.length === 0 ? undefined : new Date(Math.max(...times)),
    // One after another: of one moment is only what is alone.
    consistency: Number(first.tags?.[membersTag] ?? 1) > 1 ? 'none' : 'crash',
    state:
      !isWhole || disks.some(({ state }) => state === 'failed') ? 'failed' : disks.every(({ state }) => state === 'usable') ? 'usable' : 'pending',
    isWhole,
    disks,
  }
}

/** What has the key in its tags: whoever has deleted one by hand has not hidden the others. */
const snapshotsOf = async (adapter: Adapter, { setId }: SnapshotSetRef, region: string): Promise<readonly Snapshot[]> =>
  (await snapshotsIn(adapter, region)).filter(({ tags }) => tags?.[ownTags.operation] === setId)

/** Those of ours in the resource group. */
export const snapshotsIn = async ({ clients, resourceGroup }: Adapter, region: string): Promise<readonly Snapshot[]> =>
  (await call(async () => listed(clients.compute.snapshots.listByResourceGroup(resourceGroup)))).filter(
    ({ location, tags }) => isIn(location, region) && tags?.[ownTags.operation] !== undefined && tags[deviceTag] !== undefined,
  )

const deviceOf = ({ tags }: Snapshot): string => tags?.[deviceTag] ?? ''
const placeOf = (snapshot: Snapshot): number => (deviceOf(snapshot) === 'os' ? -1 : Number(deviceOf(snapshot).replace('lun:', '')))

function keptDisk(snapshot: Snapshot): KeptDisk {
  const { id = '', tags, diskSizeGB, osType, creationData } = snapshot
  const role = deviceOf(snapshot) === 'os' ? ('root' as const) : ('data' as const)
  return {
    ...{ deviceKey: deviceOf(snapshot), role, id, createOption: 'Copy' },
    type: tags?.[typeTag] ?? 'Premium_LRS',
    sizeGiB: diskSizeGB ?? 0,
    osType: role === 'data' ? undefined : osType === 'Windows' ? 'Windows' : 'Linux',
    caching: tags?.[cachingTag],
    ...(snapshot.incrementalSnapshotFamilyId === undefined ? {} : { family: snapshot.incrementalSnapshotFamilyId }),
    ...(creationData?.createOption === 'CopyStart' && creationData.sourceResourceId !== undefined ? { copyOf: creationData.sourceResourceId } : {}),
    percent: percentOf(snapshot),
    state: stateOf(snapshot),
  }
}

/** Said only where there is a copy in the background. */
const percentOf = ({ completionPercent, provisioningState }: Snapshot): number => completionPercent ?? (provisioningState === 'Succeeded' ? 100 : 0)

export function stateOf(snapshot: Snapshot): SnapshotState {
  const { provisioningState, copyCompletionError, snapshotAccessState } = snapshot
  if (provisioningState === 'Failed' || copyCompletionError !== undefined) return 'failed'
  return provisioningState === 'Succeeded' && snapshotAccessState !== 'Pending' && percentOf(snapshot) >= 100 ? 'usable' : 'pending'
}

/**
 * Answers the names. Repeated with the same key: makes what is missing. Azure's PUT has no precondition here: what is there under the name is looked
 * at first.
 */
export async function makeDiskSnapshots(adapter: Adapter, source: ResourceDna, tags: Labels, context: CallContext): Promise<readonly string[]> {
  const names: string[] = []
  for (const disk of source.disks) names.push(await putSnapshot(adapter, disk.deviceKey, definition(adapter, source, disk, tags), context))
  return names
}

/** Answers its name. What is there under it with the same key stays as it is. */
export async function putSnapshot(
  { clients, resourceGroup }: Adapter,
  deviceKey: string,
  what: Snapshot,
  { idempotencyKey, signal }: CallContext,
): Promise<string> {
  const { snapshots } = clients.compute
  const name = nameOf(idempotencyKey, deviceKey.replace('lun:', 'data'))
  const present = await found(() => snapshots.get(resourceGroup, name, abortOf(signal)))
  if (present !== undefined && present.tags?.[ownTags.operation] !== idempotencyKey)
    throw providerError('idempotency_mismatch', 'NameTaken', `The snapshot ${name} was made by somebody else.`)
  if (present === undefined) await call(async () => snapshots.createOrUpdate(resourceGroup, name, what, abortOf(signal)).submitted())
  return name
}

function definition({ scope }: Adapter, source: ResourceDna, disk: DiskDna, tags: Labels): Snapshot {
  const { caching } = cachingOf(source, disk.deviceKey)
  return {
    location: scope.region,
    sku: { name: 'Standard_ZRS' },
    incremental: true,
    creationData: { createOption: 'Copy', sourceResourceId: disk.ref.nativeId },
    ...(disk.role === 'root' ? { osType: source.os.family === 'windows' ? 'Windows' : 'Linux' } : {}),
    tags: {
      ...tags,
      ...{ [deviceTag]: disk.deviceKey, [membersTag]: String(source.disks.length), [typeTag]: disk.type },
      ...(caching === undefined ? {} : { [cachingTag]: caching }),
    },
  }
}

export async function deleteDiskSnapshots(
  adapter: Adapter,
  ref: SnapshotSetRef,
  { signal }: CallContext,
  region = adapter.scope.region,
): Promise<void> {
  const { snapshots } = adapter.clients.compute
  for (const { name = '' } of await snapshotsOf(adapter, ref, region))
    await call(async () => snapshots.delete(adapter.resourceGroup, name, waiting(adapter, signal)))
}
