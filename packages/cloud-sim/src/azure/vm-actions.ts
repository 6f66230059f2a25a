import type { Json, JsonObject } from '@understudy/core'
import { SimError } from '../datacentre/sim-error.ts'
import { allocationFailed, ArmError, armErrorOf } from './arm-error.ts'
import { type ArmCall, type ArmReply, type ArmWorld, at, ok, tagsOf, textAt } from './call.ts'
import { checkEtag } from './etag.ts'
import { addressDeleteOption, forgetNic } from './network.ts'
import { releasePublicIp } from './public-ips.ts'
import { begin } from './operations.ts'
import { failure, type VmRecord } from './state.ts'
import { idOf } from './resource-id.ts'
import { dropVolume } from './storage.ts'
import { instanceOf, until, vmBody, vmIdOf, vmOf } from './virtual-machines.ts'
import { changeStorage, checkIdle } from './vm-disks.ts'

/** Changes tags, size and disks. A change of tags alone is done at once. */
export const patchVm = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('VirtualMachines_Update', () => {
    const vm = vmOf(call)
    checkEtag(call, vm.etag)
    const size = textAt(call.body, 'properties.hardwareProfile.vmSize')
    const instance = instanceOf(call, vm)
    if (size !== undefined && instance !== undefined && size !== instance.instanceType) {
      if (instance.hibernated) throw new ArmError(409, 'OperationNotAllowed', 'The size of a hibernated VM cannot be changed.')
      if (instance.state !== 'stopped') {
        throw new ArmError(
          409,
          'OperationNotAllowed',
          `Unable to resize the VM '${vm.name}' because the requested size ${size} is not available in the current hardware cluster. Deallocate the VM first.`,
        )
      }
      call.dataCentre.instances.modifyAttribute(instance.instanceId, { attribute: 'instanceType', value: size })
    }
    if (call.body['tags'] !== undefined) vm.tags = tagsOf(call.body)
    const progress = at(call.body, 'properties.storageProfile') === undefined ? undefined : changeStorage(call, vm)
    vm.etag += 1
    return progress === undefined ? ok(vmBody(call, vm)) : begin(call, progress, { status: 200, body: vmBody(call, vm) })
  })

export const startVm = (call: ArmCall): Promise<ArmReply> =>
  power(call, 'VirtualMachines_Start', 'running', (vm) => {
    const instance = instanceOf(call, vm)
    if (instance?.state === 'stopping')
      throw new ArmError(409, 'OperationNotAllowed', `VM '${vm.name}' is being deallocated: it cannot be started before that has ended.`)
    checkIdle(vm)
    call.dataCentre.instances.start([vm.instanceId ?? ''])
  })

export const deallocateVm = (call: ArmCall): Promise<ArmReply> => {
  const hibernate = call.query.get('hibernate') === 'true'
  return power(call, 'VirtualMachines_Deallocate', 'stopped', (vm) => {
    if (hibernate && at(vm.properties, 'additionalCapabilities.hibernationEnabled') !== true) {
      throw new ArmError(409, 'OperationNotAllowed', `The VM '${vm.name}' cannot be hibernated: hibernationEnabled is not set.`)
    }
    call.dataCentre.instances.stop([vm.instanceId ?? ''], { hibernate })
  })
}

/** A lack of capacity is not an answer to the request: the request is accepted, and its operation fails. */
async function power(call: ArmCall, operation: string, wanted: 'running' | 'stopped', act: (vm: VmRecord) => void): Promise<ArmReply> {
  const vm = vmOf(call)
  try {
    return await call.dataCentre.invoke(operation, () => {
      if (vm.instanceId === undefined) throw new ArmError(409, 'OperationNotAllowed', `The VM '${vm.name}' was never allocated.`)
      act(vm)
      vm.etag += 1
      return begin(call, until(call, vm, wanted))
    })
  } catch (error) {
    if (!(error instanceof SimError) || armErrorOf(error).code !== 'AllocationFailed') throw error
    return begin(call, failure(allocationFailed()))
  }
}

export const deleteVm = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('VirtualMachines_Delete', () => {
    const vm = call.state.vms.get(vmIdOf(call).toLowerCase())
    if (vm === undefined) return { status: 204 }
    if (call.state.isLocked(vm.id)) {
      throw new ArmError(
        409,
        'ScopeLocked',
        `The scope '${vm.id}' cannot perform delete operation because following scope(s) are locked: '${vm.id}'. Please remove the lock and try again.`,
      )
    }
    vm.deleting = true
    const state = instanceOf(call, vm)?.state ?? 'terminated'
    // The end of one that still lives is followed where the data centre is.
    if (state === 'terminated') forgetVm(call, vm)
    else call.dataCentre.instances.terminate([vm.instanceId ?? ''])
    return begin(call, until(call, vm, 'terminated'))
  })

/** Disks and network interfaces go with the VM only where their `deleteOption` says so. */
export function forgetVm(call: ArmWorld, vm: VmRecord): void {
  call.state.vms.delete(vm.id.toLowerCase())
  for (const key of call.state.runCommands.keys()) if (key.startsWith(`${vm.id.toLowerCase()}/`)) call.state.runCommands.delete(key)
  const deletes = new Set<string>()
  const note = (entry: Parameters<typeof textAt>[0], path: string): void => {
    if (textAt(entry, 'deleteOption') === 'Delete' || textAt(entry, 'properties.deleteOption') === 'Delete')
      deletes.add((textAt(entry, path) ?? '').toLowerCase())
  }
  note(at(vm.properties, 'storageProfile.osDisk'), 'managedDisk.id')
  for (const list of ['storageProfile.dataDisks', 'networkProfile.networkInterfaces']) {
    const entries = at(vm.properties, list)
    if (Array.isArray(entries)) for (const entry of entries as Json[]) note(entry, list.startsWith('storage') ? 'managedDisk.id' : 'id')
  }
  for (const [key, disk] of call.state.disks) {
    if (disk.managedBy !== vm.id) continue
    disk.managedBy = undefined
    if (!deletes.has(key)) continue
    call.state.disks.delete(key)
    dropVolume(call, disk.volumeId)
  }
  for (const [key, nic] of call.state.nics) {
    if (nic.vmId !== vm.id) continue
    nic.vmId = undefined
    if (!deletes.has(key)) continue
    const address = [...call.state.publicIps.values()].find(({ nicId }) => nicId === nic.id)
    const addressGoes = textAt(nic.properties, addressDeleteOption) === 'Delete'
    forgetNic(call, nic)
    if (address !== undefined && addressGoes) releasePublicIp(call, address)
  }
}

// ---------- locks ----------

const scopeOf = (call: ArmCall): string => idOf(call, 'Microsoft.Compute/virtualMachines', call.params['name'] ?? '')

export const putLock = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('ManagementLocks_CreateOrUpdate', () => {
    const vm = vmOf(call)
    const level = textAt(call.body, 'properties.level')
    if (level !== 'CanNotDelete' && level !== 'ReadOnly') throw new ArmError(400, 'InvalidLock', 'The lock level is not valid.')
    const name = call.params['lock'] ?? ''
    const body = {
      id: `${vm.id}/providers/Microsoft.Authorization/locks/${name}`,
      name,
      type: 'Microsoft.Authorization/locks',
      properties: { level },
    }
    const scope = scopeOf(call).toLowerCase()
    call.state.locks.set(scope, (call.state.locks.get(scope) ?? new Map<string, JsonObject>()).set(name, body))
    return ok(body)
  })

export const listLocks = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('ManagementLocks_List', () => ok({ value: [...(call.state.locks.get(scopeOf(call).toLowerCase())?.values() ?? [])] }))

export const deleteLock = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('ManagementLocks_Delete', () => {
    const found = call.state.locks.get(scopeOf(call).toLowerCase())?.delete(call.params['lock'] ?? '') === true
    return { status: found ? 200 : 204 }
  })
