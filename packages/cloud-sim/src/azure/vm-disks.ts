import type { Json, JsonObject } from '@understudy/core'
import { SimError } from '../datacentre/sim-error.ts'
import { ArmError, armErrorOf, type ErrorBody } from './arm-error.ts'
import { type ArmCall, type ArmReply, at, isObject, listAt, need, needText, textAt } from './call.ts'
import { begin } from './operations.ts'
import type { DiskRecord, VmRecord } from './state.ts'
import { isBeingMade } from './storage.ts'
import { deviceOf, freeDisk, instanceOf, osDevice, vmOf } from './virtual-machines.ts'

type Progress = () => 'InProgress' | 'Succeeded' | ErrorBody

/** One change of a VM at a time. */
export function checkIdle(vm: VmRecord): void {
  if (vm.updating) throw new ArmError(409, 'Conflict', `Another operation on the VM '${vm.name}' is in progress.`)
}

/** What a hibernated VM has written to its disks belongs to the memory that was kept: none of them may go. */
function checkDisksMove(call: ArmCall, vm: VmRecord): void {
  checkIdle(vm)
  const instance = instanceOf(call, vm)
  if (instance === undefined) throw new ArmError(409, 'OperationNotAllowed', `The VM '${vm.name}' was never allocated.`)
  if (instance.hibernated && instance.state === 'stopped')
    throw new ArmError(409, 'OperationNotAllowed', `The VM '${vm.name}' is hibernated: disks cannot be attached or detached.`)
}

/** A machine that is made of a disk waits for it; one that is there already does not. */
function readyDisk(call: ArmCall, id: string, vm: VmRecord): DiskRecord {
  const disk = freeDisk(call, id, vm.zone)
  if (isBeingMade(call, disk)) throw new ArmError(409, 'Conflict', `Disk ${disk.name} cannot be attached: it is being created.`)
  return disk
}

/** The part of a `PATCH` that is about disks: another OS disk of the same size, and what becomes of disks with their VM. */
export function changeStorage(call: ArmCall, vm: VmRecord): Progress {
  checkDisksMove(call, vm)
  const wanted = at(call.body, 'properties.storageProfile')
  const osDisk = at(wanted, 'osDisk')
  const swap = osDisk === undefined ? undefined : swapOf(call, vm, osDisk)
  const dataDisks = at(wanted, 'dataDisks')
  if (dataDisks !== undefined) checkSameDisks(vm, dataDisks)
  if (osDisk !== undefined) writeOsDisk(call, vm, osDisk, swap?.into)
  if (dataDisks !== undefined) writeDataDisks(call, vm, listAt(wanted, 'dataDisks'))
  return swap === undefined
    ? () => 'Succeeded'
    : exchange(call, vm, {
        out: [swap.out],
        into: [{ disk: swap.into, device: osDevice, deletes: textAt(osDiskOf(vm), 'deleteOption') === 'Delete' }],
      })
}

const osDiskOf = (vm: VmRecord): JsonObject => at(vm.properties, 'storageProfile.osDisk') as JsonObject // every VM has one
const unchangeable = (property: string): ArmError =>
  new ArmError(409, 'PropertyChangeNotAllowed', `Changing property '${property}' is not allowed.`, {
    details: [{ code: 'PropertyChangeNotAllowed', message: `Changing property '${property}' is not allowed.` }],
  })

/** `undefined` when the OS disk stays. https://learn.microsoft.com/azure/virtual-machines/linux/os-disk-swap */
function swapOf(call: ArmCall, vm: VmRecord, wanted: Json): { readonly out: DiskRecord; readonly into: DiskRecord } | undefined {
  const present = osDiskOf(vm)
  for (const property of ['createOption', 'osType'])
    if (textAt(wanted, property) !== undefined && textAt(wanted, property) !== textAt(present, property)) throw unchangeable(`osDisk.${property}`)
  if (!isObject(wanted)) throw new ArmError(400, 'InvalidParameter', 'The value of parameter osDisk is invalid.')
  const [id, presentId] = [textAt(wanted, 'managedDisk.id'), textAt(present, 'managedDisk.id') ?? '']
  if (id === undefined || id.toLowerCase() === presentId.toLowerCase()) return undefined
  const [out, into] = [call.state.disks.get(presentId.toLowerCase()), readyDisk(call, id, vm)]
  if (out === undefined) throw new Error('an OS disk that is attached has been deleted')
  if (textAt(wanted, 'name') !== into.name) throw unchangeable('osDisk.name')
  if (into.sizeGiB !== out.sizeGiB)
    throw new ArmError(
      400,
      'InvalidParameter',
      `The OS disk ${into.name} has ${into.sizeGiB} GiB and the present one ${out.sizeGiB}: they must be equal.`,
    )
  // Newer pages say that a running VM may be swapped as well; what relies on that proves less.
  if (instanceOf(call, vm)?.state !== 'stopped')
    throw new ArmError(409, 'OperationNotAllowed', `The OS disk of the VM '${vm.name}' can be swapped when it is deallocated.`)
  return { out, into }
}

/** Attaching and detaching by the whole list is refused here: the action for it takes part in no race. */
function checkSameDisks(vm: VmRecord, wanted: Json): void {
  const ids = (entries: readonly Json[]): string[] =>
    entries.map((entry) => `${String(at(entry, 'lun'))} ${(textAt(entry, 'managedDisk.id') ?? '').toLowerCase()}`).toSorted()
  const present = listAt(vm.properties, 'storageProfile.dataDisks')
  if (!Array.isArray(wanted)) throw new ArmError(400, 'InvalidParameter', 'The value of parameter dataDisks is invalid.')
  for (const entry of wanted.filter(isObject)) {
    need(entry, 'lun')
    needText(entry, 'createOption')
  }
  if (ids(wanted as Json[]).join() !== ids(present).join()) throw unchangeable('dataDisk.managedDisk.id')
}

function writeOsDisk(call: ArmCall, vm: VmRecord, wanted: Json, into: DiskRecord | undefined): void {
  const { deleteOption, caching } = isObject(wanted) ? wanted : {}
  const osDisk = {
    ...osDiskOf(vm),
    ...(deleteOption === undefined ? {} : { deleteOption }),
    ...(caching === undefined ? {} : { caching }),
    ...(into === undefined ? {} : { name: into.name, managedDisk: { id: into.id } }),
  }
  vm.properties = { ...vm.properties, storageProfile: { ...(at(vm.properties, 'storageProfile') as JsonObject), osDisk } } // every VM has one
  if (into === undefined) goesWithVm(call, vm, osDevice, deleteOption)
}

function writeDataDisks(call: ArmCall, vm: VmRecord, wanted: readonly JsonObject[]): void {
  const dataDisks = listAt(vm.properties, 'storageProfile.dataDisks').map((present) => {
    const { deleteOption, caching } = wanted.find(({ lun }) => lun === present['lun']) ?? {}
    goesWithVm(call, vm, deviceOf(Number(present['lun'])), deleteOption)
    return { ...present, ...(deleteOption === undefined ? {} : { deleteOption }), ...(caching === undefined ? {} : { caching }) }
  })
  vm.properties = { ...vm.properties, storageProfile: { ...(at(vm.properties, 'storageProfile') as JsonObject), dataDisks } } // every VM has one
}

function goesWithVm(call: ArmCall, vm: VmRecord, device: string, deleteOption: Json | undefined): void {
  if (deleteOption === undefined || vm.instanceId === undefined) return
  call.dataCentre.instances.modifyAttribute(vm.instanceId, { attribute: 'deleteOnTermination', value: { [device]: deleteOption === 'Delete' } })
}

/** Data disks by their ids, without a word about the others. https://learn.microsoft.com/rest/api/compute/virtual-machines/attach-detach-data-disks */
export const attachDetachDataDisks = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('VirtualMachines_AttachDetachDataDisks', () => {
    const vm = vmOf(call)
    checkDisksMove(call, vm)
    const [toAttach, toDetach] = [listAt(call.body, 'dataDisksToAttach'), listAt(call.body, 'dataDisksToDetach')]
    if (toAttach.length + toDetach.length === 0)
      throw new ArmError(400, 'InvalidParameter', "Required parameter 'dataDisksToAttach' or 'dataDisksToDetach' is missing (null).")
    const present = listAt(vm.properties, 'storageProfile.dataDisks')
    const out = toDetach.map((entry) => detached(call, vm, present, entry))
    const into = toAttach.map((entry) => attached(call, vm, present, entry))
    const left = present.filter((entry) => !out.some(({ id }) => id.toLowerCase() === textAt(entry, 'managedDisk.id')?.toLowerCase()))
    const profile = { ...(at(vm.properties, 'storageProfile') as JsonObject), dataDisks: [...left, ...into.map(({ entry }) => entry)] } // every VM has one
    vm.properties = { ...vm.properties, storageProfile: profile }
    vm.etag += 1
    const places = into.map(({ disk, lun, entry }) => ({ disk, device: deviceOf(lun), deletes: entry.deleteOption === 'Delete' }))
    return begin(call, exchange(call, vm, { out, into: places }), undefined, 'Microsoft.Compute', profile)
  })

function detached(call: ArmCall, vm: VmRecord, present: readonly JsonObject[], entry: JsonObject): DiskRecord {
  const id = needText(entry, 'diskId')
  const isPresent = present.some((candidate) => textAt(candidate, 'managedDisk.id')?.toLowerCase() === id.toLowerCase())
  const disk = call.state.disks.get(id.toLowerCase())
  if (!isPresent || disk === undefined) throw new ArmError(400, 'InvalidParameter', `The disk ${id} is no data disk of the VM '${vm.name}'.`)
  return disk
}

function attached(call: ArmCall, vm: VmRecord, present: readonly JsonObject[], wanted: JsonObject) {
  const disk = readyDisk(call, needText(wanted, 'diskId'), vm)
  const taken = new Set(present.map(({ lun }) => Number(lun)))
  const lun = typeof wanted['lun'] === 'number' ? wanted['lun'] : [...Array(64).keys()].find((free) => !taken.has(free))
  if (lun === undefined || !Number.isInteger(lun) || lun < 0 || lun > 63)
    throw new ArmError(400, 'InvalidParameter', 'The value of parameter lun is invalid.')
  // Also one that leaves it in the same call: both would be there for a moment.
  if (taken.has(lun)) throw new ArmError(409, 'OperationNotAllowed', `Cannot attach the data disk ${disk.name}: LUN ${lun} is in use.`)
  const { caching } = wanted
  const entry = {
    ...{ lun, createOption: 'Attach', name: disk.name, managedDisk: { id: disk.id } },
    deleteOption: textAt(wanted, 'deleteOption') ?? 'Detach',
    ...(caching === undefined ? {} : { caching }),
  }
  return { disk, lun, entry }
}

interface Place {
  readonly disk: DiskRecord
  readonly device: string
  readonly deletes: boolean
}

/** Brings about in the data centre what the VM's definition says already: out first, then in. */
function exchange(call: ArmCall, vm: VmRecord, { out, into }: { readonly out: readonly DiskRecord[]; readonly into: readonly Place[] }): Progress {
  const { storage, instances } = call.dataCentre
  const instanceId = vm.instanceId ?? ''
  const isAttached = ({ volumeId }: DiskRecord): boolean => storage.getVolume(volumeId)?.attachment !== undefined
  vm.updating = true
  for (const { disk } of into) disk.managedBy = vm.id
  for (const { volumeId } of out) storage.detach({ volumeId, instanceId })
  let isPlugged = false
  return () => {
    try {
      if (out.some(isAttached)) return 'InProgress'
      if (!isPlugged) {
        isPlugged = true
        for (const disk of out) disk.managedBy = undefined
        for (const { disk, device, deletes } of into) {
          storage.attach({ volumeId: disk.volumeId, instanceId, device })
          instances.modifyAttribute(instanceId, { attribute: 'deleteOnTermination', value: { [device]: deletes } })
        }
      }
      if (into.some(({ disk }) => storage.getVolume(disk.volumeId)?.attachment?.state !== 'attached')) return 'InProgress'
      vm.updating = false
      return 'Succeeded'
    } catch (error) {
      if (!(error instanceof SimError)) throw error
      vm.updating = false
      return armErrorOf(error).body
    }
  }
}
