import type { VirtualMachine } from '@azure/arm-compute'
import type { CallContext, InstanceRef, Offering, OperationHandle, OperationStatus, PowerResult } from '@understudy/provider'
import { isProviderError, providerError } from '@understudy/provider'
import { abortOf, type Adapter, call, needVmId, waiting } from './adapter.ts'
import { failed, handleOf, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { optionalText } from './handles.ts'
import { readVm } from './inventory.ts'
import { look, submit, type VmOperation } from './operations.ts'
import { nativeStateOf, powerStateOf, purchaseOf } from './vm-state.ts'

export const startVerb = 'compute.start'
export const stopVerb = 'compute.stop'
export const holdVerb = 'compute.hold'
export const terminateVerb = 'compute.terminate'
export const resizeVerb = 'compute.resize'

type PowerHandle = OperationHandle<PowerResult>

export async function existing(adapter: Adapter, ref: InstanceRef): Promise<VirtualMachine> {
  const vm = await readVm(adapter, ref.nativeId)
  if (vm === undefined) throw gone(ref.nativeId)
  return vm
}

const gone = (nativeId: string) => providerError('not_found', 'ResourceNotFound', `There is no virtual machine ${nativeId} (any more).`)

const offeringOf = (vm: VirtualMachine): Offering => ({
  instanceType: vm.hardwareProfile?.vmSize ?? '',
  ...(vm.zones?.[0] === undefined ? {} : { zone: vm.zones[0] }),
  purchase: purchaseOf(vm),
})

/** What goes into a handle: the VM, and its operation where one runs. */
const nativeOf = (ref: InstanceRef, operation: string | undefined) => ({ vm: ref.nativeId, ...(operation === undefined ? {} : { operation }) })

export async function start(adapter: Adapter, ref: InstanceRef, context: CallContext): Promise<PowerHandle> {
  const vm = await existing(adapter, ref)
  // ARM refuses a start while the VM is being deallocated: polling starts it once that has ended.
  const state = powerStateOf(vm)
  if (state === 'running' || state === 'stopping') return handleOf(adapter, startVerb, context, nativeOf(ref, undefined))
  const operation = await beginStart(adapter, vm, ref, context.signal)
  return handleOf(adapter, startVerb, context, nativeOf(ref, operation))
}

async function beginStart(adapter: Adapter, vm: VirtualMachine, ref: InstanceRef, signal?: AbortSignal): Promise<string | undefined> {
  const { group, name } = needVmId(adapter, ref.nativeId)
  const offering = offeringOf(vm)
  const operation = await submit((operations) => operations.start(group, name, abortOf(signal)), adapter, offering)
  // A refusal for want of capacity is often there at once: the caller can go on to another stand-in without polling.
  if (operation !== undefined) await look(adapter, 'start', operation, offering)
  return operation
}

export async function pollStart(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const pending = await stillRunning(adapter, 'start', handle)
  if (pending !== undefined) return pending
  const nativeId = textOf(handle, 'vm')
  const vm = await readVm(adapter, nativeId)
  if (vm === undefined) return failed(gone(nativeId))
  const state = powerStateOf(vm)
  if (state === 'running') return succeeded({ state })
  const isWaiting = optionalText(handle, 'operation') === undefined && (state === 'stopped' || state === 'held' || state === 'stopped-billed')
  if (isWaiting) await beginStart(adapter, vm, { ...adapter.scope, nativeId })
  return running(nativeStateOf(vm))
}

/** `hibernate`: keeps the memory. Spot VMs cannot, and others only when it was enabled while they were deallocated. */
export async function stop(adapter: Adapter, ref: InstanceRef, hibernate: boolean, context: CallContext): Promise<PowerHandle> {
  const vm = await existing(adapter, ref)
  const verb = hibernate ? holdVerb : stopVerb
  if (hibernate) checkHold(vm)
  const state = powerStateOf(vm)
  if (state === 'stopped' || state === 'held' || state === 'stopping') return handleOf(adapter, verb, context, nativeOf(ref, undefined))
  const { group, name } = needVmId(adapter, ref.nativeId)
  const how = { ...(hibernate ? { hibernate } : {}), ...abortOf(context.signal) }
  const operation = await submit((operations) => operations.deallocate(group, name, how), adapter)
  return handleOf(adapter, verb, context, nativeOf(ref, operation))
}

function checkHold(vm: VirtualMachine): void {
  if (purchaseOf(vm) === 'spot') throw providerError('unsupported', 'OperationNotAllowed', 'Azure cannot hibernate Spot virtual machines.')
  if (vm.additionalCapabilities?.hibernationEnabled === true) return
  throw providerError('unsupported', 'OperationNotAllowed', 'Hibernation is not enabled; it can be while the virtual machine is deallocated.')
}

export async function pollStop(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const pending = await stillRunning(adapter, 'deallocate', handle)
  if (pending !== undefined) return pending
  const nativeId = textOf(handle, 'vm')
  const vm = await readVm(adapter, nativeId)
  if (vm === undefined) return failed(gone(nativeId))
  const state = powerStateOf(vm)
  return state === 'stopping' || state === 'provisioning' ? running(nativeStateOf(vm)) : succeeded({ state })
}

export async function terminate(adapter: Adapter, ref: InstanceRef, context: CallContext): Promise<PowerHandle> {
  const { group, name } = needVmId(adapter, ref.nativeId)
  const operation = await submit((operations) => operations.delete(group, name, abortOf(context.signal)), adapter)
  return handleOf(adapter, terminateVerb, context, nativeOf(ref, operation))
}

export async function pollTerminate(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  return (await stillRunning(adapter, 'delete', handle)) ?? succeeded({ state: 'terminated' as const })
}

/** Azure may resize a running VM by restarting it, if its cluster has the size. Asking for `stopped` makes it certain. */
export async function resize(adapter: Adapter, ref: InstanceRef, vmSize: string, context: CallContext): Promise<PowerHandle> {
  const vm = await existing(adapter, ref)
  const handle: PowerHandle = handleOf(adapter, resizeVerb, context, { vm: ref.nativeId, vmSize })
  if (vm.hardwareProfile?.vmSize === vmSize) return handle
  const state = powerStateOf(vm)
  if (state !== 'stopped') {
    const why = state === 'held' ? 'it is hibernated' : 'it is not deallocated'
    throw providerError('conflict', 'OperationNotAllowed', `The size of ${vm.name ?? ref.nativeId} cannot be changed: ${why}.`)
  }
  const { group, name } = needVmId(adapter, ref.nativeId)
  const guard = vm.etag === undefined ? {} : { ifMatch: vm.etag }
  const { virtualMachines } = adapter.clients.compute
  await call(async () => virtualMachines.update(group, name, { hardwareProfile: { vmSize } }, { ...guard, ...waiting(adapter, context.signal) }), {
    instanceType: vmSize,
  })
  return handle
}

export async function pollResize(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const nativeId = textOf(handle, 'vm')
  const vm = await readVm(adapter, nativeId)
  if (vm === undefined) return failed(gone(nativeId))
  if (vm.hardwareProfile?.vmSize === textOf(handle, 'vmSize')) return succeeded({ state: powerStateOf(vm) })
  return failed(
    providerError('conflict', 'ResizeHadNoEffect', `${nativeId} is still ${vm.hardwareProfile?.vmSize ?? ''}: something else has changed it back.`),
  )
}

/** `undefined` when the handle's operation has succeeded, or when it has none. */
async function stillRunning(adapter: Adapter, kind: VmOperation, handle: OperationHandle): Promise<OperationStatus<PowerResult> | undefined> {
  const operation = optionalText(handle, 'operation')
  if (operation === undefined) return undefined
  try {
    const { done, retryAfterMs } = await look(adapter, kind, operation)
    return done ? undefined : running(kind, retryAfterMs)
  } catch (error) {
    // Throttled or unreachable: the operation itself goes on. Not found: Azure forgets operations, the VM's state is left to tell.
    if (isProviderError(error, 'not_found')) return undefined
    if (!isProviderError(error) || error.shape.retryable) throw error
    return failed(error)
  }
}
