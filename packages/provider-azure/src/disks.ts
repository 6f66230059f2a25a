import type { AttachDetachDataDisksRequest, CachingTypes, DataDisk, Disk, VirtualMachine } from '@azure/arm-compute'
import { providerError } from '@understudy/provider'
import type { CallContext, DiskPlace, DiskRef, Disks, InstanceRef, Plugged } from '@understudy/provider'
import { nextMoves } from '@understudy/provider/adapter-kit'
import type { DiskMove, Plug } from '@understudy/provider/adapter-kit'
import { abortOf, type Adapter, call, found, needVmId, waiting } from './adapter.ts'
import { parseArmId, sameId } from './arm-id.ts'
import { readVm } from './inventory.ts'
import { existing } from './power.ts'
import { cachingTag } from './tags.ts'
import { traced } from './trace.ts'
import { powerStateOf } from './vm-state.ts'

const osKey = 'os'

/**
 * Managed disks of a deallocated VM. The OS disk is swapped in one change of the VM, so that it is never without one
 * (https://learn.microsoft.com/azure/virtual-machines/linux/os-disk-swap); data disks leave and come by an action that names
 * them alone and takes no part in a race for the VM's whole definition.
 */
export function azureDisks(adapter: Adapter): Disks {
  return {
    arrange: (ref, places, context) => traced(context, () => arrange(adapter, ref, places, context)),
    plug: (ref, disk, { readOnly }, context) => traced(context, () => plug(adapter, ref, disk, readOnly, context)),
    unplug: (ref, disk, context) => traced(context, () => unplug(adapter, ref, disk, context)),
  }
}

async function plug(adapter: Adapter, ref: InstanceRef, disk: DiskRef, readOnly: boolean, context: CallContext): Promise<Plugged> {
  if (readOnly) throw providerError('invalid', 'ReadOnlyNotSupported', 'Azure attaches managed disks for reading and writing only.')
  const vm = await existing(adapter, ref)
  if (vm.provisioningState === 'Updating') return { settled: false }
  const present = plugged(vm, disk.nativeId)
  if (present !== undefined) return { settled: true, deviceKey: `lun:${present.lun}`, inGuest: inGuest(present.lun) }
  const taken = new Set((vm.storageProfile?.dataDisks ?? []).map(({ lun }) => lun))
  const lun = [...Array(lunsOfVm).keys()].find((free) => !taken.has(free))
  if (lun === undefined) throw providerError('quota_exceeded', 'MaxDataDisks', `${vm.name ?? ''} has no free place for a disk.`)
  const change: Change = { adapter, ref, vm, wanted: [], context }
  await exchange(change, { dataDisksToAttach: [{ diskId: disk.nativeId, lun, deleteOption: 'Detach' }] })
  return { settled: false }
}
const lunsOfVm = 64

/** Links that Azure's agent makes for SCSI disks, and its later rules for NVMe ones. */
const inGuest = (lun: number): readonly string[] => [`/dev/disk/azure/scsi1/lun${lun}`, `/dev/disk/azure/data/by-lun/${lun}`]

async function unplug(adapter: Adapter, ref: InstanceRef, disk: DiskRef, context: CallContext): Promise<{ readonly settled: boolean }> {
  const vm = await readVm(adapter, ref.nativeId)
  if (vm?.provisioningState === 'Updating') return { settled: false }
  const present = vm === undefined ? undefined : plugged(vm, disk.nativeId)
  if (vm === undefined || present === undefined) return { settled: true }
  await exchange({ adapter, ref, vm, wanted: [], context }, { dataDisksToDetach: [{ diskId: present.managedDisk?.id ?? disk.nativeId }] })
  return { settled: false }
}

async function arrange(
  adapter: Adapter,
  ref: InstanceRef,
  places: readonly DiskPlace[],
  context: CallContext,
): Promise<{ readonly settled: boolean }> {
  const vm = await existing(adapter, ref)
  const state = powerStateOf(vm)
  if (state !== 'stopped')
    throw providerError('conflict', 'OperationNotAllowed', `${vm.name ?? ''} is ${state}: its disks are exchanged when it is deallocated.`)
  // A round of before, perhaps of a process that is no more.
  if (vm.provisioningState === 'Updating') return { settled: false }
  const wanted = await Promise.all(places.map(async (place) => ({ place, disk: await needDisk(adapter, place, context) })))
  const { settled, moves } = nextMoves(places, plugsFor(vm, places))
  const change: Change = { adapter, ref, vm, wanted, context }
  if (moves.some(({ move, deviceKey }) => deviceKey === osKey && (move === 'unplug' || move === 'plug'))) await swapOsDisk(change)
  await exchangeDataDisks(change, moves)
  await setDeleteOptions(change, moves)
  return { settled }
}

interface Change {
  readonly adapter: Adapter
  readonly ref: InstanceRef
  readonly vm: VirtualMachine
  readonly wanted: readonly { readonly place: DiskPlace; readonly disk: Disk }[]
  readonly context: CallContext
}

async function needDisk({ clients }: Adapter, { deviceKey, disk: ref }: DiskPlace, { signal }: CallContext): Promise<Disk> {
  const id = parseArmId(ref.nativeId)
  const disk = id?.type === 'microsoft.compute/disks' ? await found(() => clients.compute.disks.get(id.group, id.name, abortOf(signal))) : undefined
  if (disk === undefined) throw providerError('not_found', 'ResourceNotFound', `There is no disk ${ref.nativeId} (any more).`)
  if (deviceKey !== osKey && !/^lun:\d{1,2}$/.test(deviceKey))
    throw providerError('invalid', 'InvalidDevice', `${deviceKey} is no place of a disk on Azure: those are "os" and "lun:0" to "lun:63".`)
  return disk
}

/** Ids as they were declared, where they mean the same: ARM answers in the case that it likes. */
function plugsFor({ storageProfile }: VirtualMachine, places: readonly DiskPlace[]): readonly Plug[] {
  const { osDisk, dataDisks = [] } = storageProfile ?? {}
  const attached = [{ deviceKey: osKey, disk: osDisk }, ...dataDisks.map((disk) => ({ deviceKey: `lun:${disk.lun}`, disk }))]
  return attached.flatMap(({ deviceKey, disk }): readonly Plug[] => {
    const id = disk?.managedDisk?.id
    if (id === undefined) return []
    const diskId = places.find((place) => sameId(place.disk.nativeId, id))?.disk.nativeId ?? id
    return [{ deviceKey, diskId, state: 'plugged', deleteWithInstance: disk?.deleteOption === 'Delete' }]
  })
}

/**
 * What shall boot may still be plugged in as a data disk: it leaves that place first. Everything else that is said of the OS disk has
 * to be as it is, or is left out: nothing of it can be changed.
 */
async function swapOsDisk(change: Change): Promise<void> {
  const { adapter, ref, vm, wanted, context } = change
  const os = wanted.find(({ place }) => place.deviceKey === osKey)
  const present = vm.storageProfile?.osDisk
  const id = os?.disk.id ?? ''
  if (os === undefined || present === undefined || sameId(present.managedDisk?.id ?? '', id))
    throw providerError(
      'invalid',
      'OsDiskNeeded',
      `The OS disk of ${vm.name ?? ''} can be plugged in elsewhere only when another one takes its place.`,
    )
  if (plugged(vm, id) !== undefined) {
    await exchange(change, { dataDisksToDetach: [{ diskId: id }] })
    return
  }
  const { group, name } = needVmId(adapter, ref.nativeId)
  const osDisk = {
    ...{ createOption: present.createOption, name: os.disk.name ?? '', managedDisk: { id } },
    deleteOption: deleteOption(os.place.deleteWithInstance),
  }
  await call(async () =>
    adapter.clients.compute.virtualMachines.update(group, name, { storageProfile: { osDisk } }, waiting(adapter, context.signal)),
  )
}

const deleteOption = (deletes: boolean): 'Delete' | 'Detach' => (deletes ? 'Delete' : 'Detach')

/** A place is free when the call that empties it has ended, and not before. */
async function exchangeDataDisks(change: Change, moves: readonly DiskMove[]): Promise<void> {
  const { vm, wanted } = change
  const leaving = moves.flatMap((move) => (move.move === 'unplug' && move.deviceKey !== osKey ? [move] : []))
  const coming = moves.flatMap((move) => (move.move === 'plug' && move.deviceKey !== osKey ? [move] : []))
  if (leaving.length + coming.length === 0) return
  for (const { diskId } of leaving) await noteCaching(change, diskId)
  const dataDisksToAttach = coming.flatMap(({ deviceKey }) => {
    const found = wanted.find(({ place }) => place.deviceKey === deviceKey)
    if (found === undefined) return []
    const caching = cachingOf(found.disk)
    return [
      {
        diskId: found.disk.id ?? '',
        lun: Number(deviceKey.replace('lun:', '')),
        deleteOption: deleteOption(found.place.deleteWithInstance),
        ...(caching === undefined ? {} : { caching }),
      },
    ]
  })
  const dataDisksToDetach = leaving.map(({ diskId }) => ({ diskId: plugged(vm, diskId)?.managedDisk?.id ?? diskId }))
  await exchange(change, {
    ...(dataDisksToAttach.length === 0 ? {} : { dataDisksToAttach }),
    ...(dataDisksToDetach.length === 0 ? {} : { dataDisksToDetach }),
  })
}

async function exchange({ adapter, ref, context }: Change, request: AttachDetachDataDisksRequest): Promise<void> {
  const { group, name } = needVmId(adapter, ref.nativeId)
  await call(async () => adapter.clients.compute.virtualMachines.attachDetachDataDisks(group, name, request, waiting(adapter, context.signal)))
}

const plugged = ({ storageProfile }: VirtualMachine, diskId: string): DataDisk | undefined =>
  storageProfile?.dataDisks?.find(({ managedDisk }) => sameId(managedDisk?.id ?? '', diskId))

/** The host's cache belongs to the place, and Azure forgets it with the disk that leaves: the disk takes it along for its return. */
async function noteCaching({ adapter, vm, context }: Change, diskId: string): Promise<void> {
  const caching = plugged(vm, diskId)?.caching
  const id = parseArmId(diskId)
  if (caching === undefined || id === undefined) return
  const { disks } = adapter.clients.compute
  const disk = await found(() => disks.get(id.group, id.name, abortOf(context.signal)))
  if (disk === undefined || disk.tags?.[cachingTag] === caching) return
  const tags = { ...disk.tags, [cachingTag]: caching }
  await call(async () => disks.update(id.group, id.name, { tags }, waiting(adapter, context.signal)))
}

function cachingOf({ tags }: Disk): CachingTypes | undefined {
  const noted = tags?.[cachingTag]
  return noted === 'None' || noted === 'ReadOnly' || noted === 'ReadWrite' ? noted : undefined
}

/** Only the whole list of data disks can say it, so that the list has to be the one that was read. */
async function setDeleteOptions({ adapter, ref, vm, context }: Change, moves: readonly DiskMove[]): Promise<void> {
  const wanted = new Map(
    moves.flatMap(({ move, deviceKey }) => (move === 'keep' || move === 'let-go' ? ([[deviceKey, move === 'let-go']] as const) : [])),
  )
  if (wanted.size === 0 || moves.length > wanted.size) return // with other moves the list has changed: the next round
  const { osDisk, dataDisks = [] } = vm.storageProfile ?? {}
  const osGoes = wanted.get(osKey)
  const changed = {
    ...(osGoes === undefined || osDisk === undefined ? {} : { osDisk: { createOption: osDisk.createOption, deleteOption: deleteOption(osGoes) } }),
    ...(wanted.size === (osGoes === undefined ? 0 : 1)
      ? {}
      : {
          dataDisks: dataDisks.map((disk) => {
            const goes = wanted.get(`lun:${disk.lun}`)
            return goes === undefined ? disk : { ...disk, deleteOption: deleteOption(goes) }
          }),
        }),
  }
  const { group, name } = needVmId(adapter, ref.nativeId)
  const guard = vm.etag === undefined ? {} : { ifMatch: vm.etag }
  await call(async () =>
    adapter.clients.compute.virtualMachines.update(group, name, { storageProfile: changed }, { ...waiting(adapter, context.signal), ...guard }),
  )
}
