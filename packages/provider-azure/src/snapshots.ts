import { ownTags } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import type { CallContext, DiskRef, InstanceRef, OperationHandle, OperationStatus, SnapshotSetRef, Snapshots } from '@understudy/provider'
import { providerError } from '@understudy/provider'
import { chosenOf, creationTags, failed, handleOf, type Poller, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { abortOf, type Adapter, call, diskRef, found, needVmId, waiting } from './adapter.ts'
import { nameOf, parseArmId, sameId } from './arm-id.ts'
import { deleteLooseAddress } from './leftovers.ts'
import { deleteDiskSnapshots, isKeptByDisk, makeDiskSnapshots, readNamedSnapshots } from './disk-snapshots.ts'
import { describeVm, readVm } from './inventory.ts'
import type { KeptDisk } from './kept-set.ts'
import { deleteRestorePoint, makeRestorePoint } from './restore-points.ts'
import { notThere, progressOf, readSet, setOf, usableSet } from './snapshot-sets.ts'
import type { SizeReader } from './sizes.ts'
import { zonesOf } from './host-groups.ts'
import { cachingTag, idTag, imageTag, sourceTag, zoneTag } from './tags.ts'
import { traced } from './trace.ts'

const captureVerb = 'snapshots.capture'
const materialiseVerb = 'snapshots.materialise'

/**
 * Sets are restore points of all disks of a VM, or snapshots of each disk where one is all there is, or where Azure makes no restore points
 * of its kind. Both are incremental, and usable in every zone.
 */
export function azureSnapshots(
  adapter: Adapter,
  sizes: SizeReader,
): { readonly snapshots: Snapshots; readonly pollers: Readonly<Record<string, Poller>> } {
  return {
    snapshots: {
      capture: (ref, context, { without = [] } = {}) => traced(context, () => capture(adapter, sizes, { ref, without }, context)),
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

async function capture(
  adapter: Adapter,
  sizes: SizeReader,
  { ref, without }: { readonly ref: InstanceRef; readonly without: readonly DiskRef[] },
  context: CallContext,
): Promise<OperationHandle<SnapshotSetRef>> {
  const handle = (native: JsonObject = {}): OperationHandle<SnapshotSetRef> =>
    handleOf(adapter, captureVerb, context, { setId: context.idempotencyKey, ...native })
  const before = await readSet(adapter, { setId: context.idempotencyKey })
  if (before?.isWhole === true) return handle()
  needVmId(adapter, ref.nativeId)
  const vm = await readVm(adapter, ref.nativeId)
  if (vm === undefined) throw providerError('not_found', 'ResourceNotFound', `There is no virtual machine ${ref.nativeId} (any more).`)
  const whole = await describeVm(adapter, sizes, vm)
  const isLeftOut = (disk: DiskRef): boolean => without.some(({ nativeId }) => sameId(nativeId, disk.nativeId))
  const source = { ...whole, disks: whole.disks.filter((disk) => !isLeftOut(disk.ref)) }
  const leftOut = whole.disks.flatMap((disk) => (isLeftOut(disk.ref) ? [disk.ref.nativeId] : []))
  const zone = vm.zones?.[0]
  const tags = {
    ...creationTags(context, adapter.installation),
    ...idTag(sourceTag, ref.nativeId),
    ...(zone === undefined ? {} : { [zoneTag]: zone }),
    ...idTag(imageTag, source.image),
  }
  // What was begun one way goes on that way, whatever has become of the disks.
  const byDisk = before === undefined ? isKeptByDisk(source) : before.how === 'disk-snapshots'
  if (byDisk) return handle({ names: [...(await makeDiskSnapshots(adapter, source, tags, context))] })
  await makeRestorePoint(adapter, { ref, leftOut }, tags, context)
  return handle()
}

async function pollCapture(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<SnapshotSetRef>> {
  const set = { setId: textOf(handle, 'setId') }
  const { names } = handle.native as { readonly names?: readonly string[] } // written by `capture`
  const kept = await (names === undefined ? readSet(adapter, set) : readNamedSnapshots(adapter, set, names))
  if (kept?.isWhole !== true) return failed(notThere(set))
  if (kept.state === 'pending') return running('Creating', 2_000, progressOf(kept))
  if (kept.state === 'usable') return succeeded(set)
  const why = kept.why === undefined ? '' : `: ${kept.why}`
  return failed(providerError('unknown', 'SnapshotFailed', `Azure could not complete the snapshot set ${set.setId}${why}.`))
}

async function materialise(
  adapter: Adapter,
  set: SnapshotSetRef,
  { zone, devices }: Parameters<Snapshots['materialise']>[1],
  context: CallContext,
): Promise<OperationHandle<readonly DiskRef[]>> {
  const kept = await usableSet(adapter, set)
  const image = kept.tags[imageTag]
  const tags = { ...creationTags(context, adapter.installation), ...(image === undefined ? {} : { [imageTag]: image }) }
  const names: string[] = []
  for (const { deviceKey, role, id, createOption, type, sizeGiB, osType, caching } of chosenOf(kept.disks, (disk) => disk.deviceKey, devices)) {
    const name = nameOf(context.idempotencyKey, deviceKey.replace('lun:', 'data'))
    const definition = {
      location: adapter.scope.region,
      ...zonesOf(zone),
      sku: { name: type },
      diskSizeGB: sizeGiB,
      creationData: { createOption, sourceResourceId: id },
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

async function deleteSet(adapter: Adapter, set: SnapshotSetRef, context: CallContext): Promise<void> {
  if (await deleteRestorePoint(adapter, set, context)) return
  await deleteDiskSnapshots(adapter, set, context)
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
  if (operation !== undefined && disk.tags?.[ownTags.managed] === 'true') await deleteLooseParts(adapter, operation, signal)
}

/**
 * A clone that was given up between its disks and its VM has left a network interface too, and perhaps an address, for which the port has no name:
 * they go with the disks of the same key.
 */
async function deleteLooseParts(adapter: Adapter, operation: string, signal?: AbortSignal): Promise<void> {
  const { networkInterfaces } = adapter.clients.network
  for await (const { name, tags, virtualMachine } of networkInterfaces.list(adapter.resourceGroup)) {
    if (name === undefined || virtualMachine !== undefined || tags?.[ownTags.operation] !== operation || tags[ownTags.managed] !== 'true') continue
    await call(() => networkInterfaces.beginDeleteAndWait(adapter.resourceGroup, name, waiting(adapter, signal)))
  }
  await deleteLooseAddress(adapter, operation, signal)
}

/** What a usable set has kept, by device: what a clone's disks are made of. */
export async function keptDisksOf(adapter: Adapter, set: SnapshotSetRef): Promise<ReadonlyMap<string, KeptDisk>> {
  return new Map((await usableSet(adapter, set)).disks.map((disk) => [disk.deviceKey, disk]))
}
