import type { RestorePoint } from '@azure/arm-compute'
import { ownTags } from '@understudy/core'
import type { CallContext, DiskRef, InstanceRef, OperationHandle, OperationStatus, SnapshotSetRef, Snapshots } from '@understudy/provider'
import { isProviderError, providerError } from '@understudy/provider'
import { chosenOf, creationTags, failed, handleOf, type Poller, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { abortOf, type Adapter, call, diskRef, found, needVmId, waiting } from './adapter.ts'
import { nameOf, parseArmId } from './arm-id.ts'
import { describeVm, readVm } from './inventory.ts'
import { membersIn, readSet, setOf, usableSet } from './snapshot-sets.ts'
import type { SizeReader } from './sizes.ts'
import { cachingTag, idTag, imageTag, sourceTag, zoneTag } from './tags.ts'
import { traced } from './trace.ts'

const captureVerb = 'snapshots.capture'
const materialiseVerb = 'snapshots.materialise'

/**
 * Sets are restore points of a VM: crash-consistent over all its disks, incremental, in every zone. Each is in a collection of its own,
 * whose name is the key's: restore points have no tags, and are found by no list but that of their collection.
 */
export function azureSnapshots(
  adapter: Adapter,
  sizes: SizeReader,
): { readonly snapshots: Snapshots; readonly pollers: Readonly<Record<string, Poller>> } {
  return {
    snapshots: {
      capture: (ref, context) => traced(context, () => capture(adapter, sizes, ref, context)),
      async get(set) {
        const read = await readSet(adapter, set)
        return read === undefined ? undefined : setOf(adapter, set, read)
      },
      materialise: (set, to, context) => traced(context, () => materialise(adapter, set, to, context)),
      delete: (set, context) => traced(context, () => deleteSet(adapter, set, context)),
      deleteDisk: (disk, context) => traced(context, () => deleteDisk(adapter, disk, context)),
    },
    pollers: {
      [captureVerb]: (handle) => pollCapture(adapter, handle),
      [materialiseVerb]: (handle) => pollMaterialise(adapter, handle),
    },
  }
}

async function capture(adapter: Adapter, sizes: SizeReader, ref: InstanceRef, context: CallContext): Promise<OperationHandle<SnapshotSetRef>> {
  const name = nameOf(context.idempotencyKey)
  const handle = handleOf<SnapshotSetRef>(adapter, captureVerb, context, { setId: context.idempotencyKey })
  const before = await readSet(adapter, { setId: context.idempotencyKey })
  if (before?.point !== undefined) return handle
  needVmId(adapter, ref.nativeId)
  const vm = await readVm(adapter, ref.nativeId)
  if (vm === undefined) throw providerError('not_found', 'ResourceNotFound', `There is no virtual machine ${ref.nativeId} (any more).`)
  const { image } = await describeVm(adapter, sizes, vm)
  const zone = vm.zones?.[0]
  const tags = {
    ...creationTags(context, adapter.installation),
    ...idTag(sourceTag, ref.nativeId),
    ...(zone === undefined ? {} : { [zoneTag]: zone }),
    ...idTag(imageTag, image),
  }
  const { restorePointCollections, restorePoints } = adapter.clients.compute
  const collection = { location: adapter.scope.region, source: { id: ref.nativeId }, tags }
  await call(() => restorePointCollections.createOrUpdate(adapter.resourceGroup, name, collection, abortOf(context.signal)))
  try {
    await call(async () => {
      const poller = restorePoints.create(adapter.resourceGroup, name, name, { consistencyMode: 'CrashConsistent' }, abortOf(context.signal))
      await poller.submitted()
    })
  } catch (error) {
    // An attempt whose answer was lost has made it: a restore point is made once under its name.
    if (!isProviderError(error, 'conflict', 'already_exists') || (await readSet(adapter, { setId: context.idempotencyKey }))?.point === undefined)
      throw error
  }
  return handle
}

async function pollCapture(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<SnapshotSetRef>> {
  const set = { setId: textOf(handle, 'setId') }
  const read = await readSet(adapter, set)
  if (read?.point === undefined)
    return failed(providerError('not_found', 'SnapshotSet.NotFound', `The snapshot set ${set.setId} does not exist (any more).`))
  const { state, progressPercent } = setOf(adapter, set, read)
  if (state === 'pending') return running('Creating', 2_000, progressPercent)
  if (state === 'usable') return succeeded(set)
  return failed(
    providerError('unknown', 'RestorePointFailed', `Azure could not complete the restore point of the set ${set.setId}${whyIn(read.point)}.`),
  )
}

const whyIn = ({ instanceView }: RestorePoint): string => {
  const message = instanceView?.statuses?.find(({ level }) => level === 'Error')?.message
  return message === undefined ? '' : `: ${message}`
}

async function materialise(
  adapter: Adapter,
  set: SnapshotSetRef,
  { zone, devices }: Parameters<Snapshots['materialise']>[1],
  context: CallContext,
): Promise<OperationHandle<readonly DiskRef[]>> {
  const read = await usableSet(adapter, set)
  const image = read.collection.tags?.[imageTag]
  const tags = { ...creationTags(context, adapter.installation), ...(image === undefined ? {} : { [imageTag]: image }) }
  const names: string[] = []
  for (const { deviceKey, role, diskRestorePointId, type, sizeGiB, osType, caching } of chosenOf(
    membersIn(read),
    (member) => member.deviceKey,
    devices,
  )) {
    const name = nameOf(context.idempotencyKey, deviceKey.replace('lun:', 'data'))
    const definition = {
      location: adapter.scope.region,
      zones: [zone],
      sku: { name: type },
      diskSizeGB: sizeGiB,
      creationData: { createOption: 'Restore', sourceResourceId: diskRestorePointId },
      ...(role === 'root' && osType !== undefined ? { osType } : {}),
      tags: { ...tags, ...(caching === undefined ? {} : { [cachingTag]: caching }) },
    }
    await call(() =>
      adapter.clients.compute.disks.createOrUpdate(adapter.resourceGroup, name, definition, waiting(adapter, context.signal)).submitted(),
    )
    names.push(name)
  }
  return handleOf(adapter, materialiseVerb, context, { names, zone })
}

async function pollMaterialise(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<readonly DiskRef[]>> {
  const { names } = handle.native as { readonly names: readonly string[] } // written by `materialise`
  const disks = await Promise.all(names.map((name) => found(() => adapter.clients.compute.disks.get(adapter.resourceGroup, name))))
  if (disks.some((disk) => disk === undefined || disk.provisioningState === 'Failed'))
    return failed(providerError('not_found', 'ResourceNotFound', `The disks ${names.join(', ')} do not all exist (any more).`))
  if (disks.some((disk) => disk?.provisioningState !== 'Succeeded')) return running('Creating')
  return succeeded(disks.map((disk) => diskRef(adapter.scope, disk?.id ?? '', disk?.zones?.[0])))
}

/** The restore point goes with its collection. */
async function deleteSet(adapter: Adapter, { setId }: SnapshotSetRef, { signal }: CallContext): Promise<void> {
  const read = await readSet(adapter, { setId })
  if (read === undefined) return
  await call(async () => adapter.clients.compute.restorePointCollections.delete(adapter.resourceGroup, nameOf(setId), waiting(adapter, signal)))
}

async function deleteDisk(adapter: Adapter, ref: DiskRef, { signal }: CallContext): Promise<void> {
  const id = parseArmId(ref.nativeId)
  if (id?.type !== 'microsoft.compute/disks') throw providerError('invalid', 'NoDisk', `${ref.nativeId} is no disk.`)
  const { disks } = adapter.clients.compute
  const disk = await found(() => disks.get(id.group, id.name, abortOf(signal)))
  if (disk === undefined) return
  if (disk.managedBy !== undefined) throw providerError('conflict', 'DiskIsAttachedToVM', `${id.name} is attached to ${disk.managedBy}.`)
  await call(async () => disks.delete(id.group, id.name, waiting(adapter, signal)))
  const operation = disk.tags?.[ownTags.operation]
  if (operation !== undefined && disk.tags?.[ownTags.managed] === 'true') await deleteLooseNics(adapter, operation, signal)
}

/**
 * A clone that was given up between its disks and its VM has left a network interface too, for which the port has no name: it goes with
 * the disks of the same key.
 */
async function deleteLooseNics(adapter: Adapter, operation: string, signal?: AbortSignal): Promise<void> {
  const { networkInterfaces } = adapter.clients.network
  for await (const { name, tags, virtualMachine } of networkInterfaces.list(adapter.resourceGroup)) {
    if (name === undefined || virtualMachine !== undefined || tags?.[ownTags.operation] !== operation || tags[ownTags.managed] !== 'true') continue
    await call(() => networkInterfaces.beginDeleteAndWait(adapter.resourceGroup, name, waiting(adapter, signal)))
  }
}

/** Ids of the disks' restore points of a usable set, by device: what a clone's disks are made of. */
export async function restorePointsOf(adapter: Adapter, set: SnapshotSetRef): Promise<ReadonlyMap<string, string>> {
  return new Map(membersIn(await usableSet(adapter, set)).map(({ deviceKey, diskRestorePointId }) => [deviceKey, diskRestorePointId]))
}
