import type { VirtualMachine } from '@azure/arm-compute'
import { contentHash, ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, CloneSpec, InstanceRef, OperationHandle, OperationStatus, ProviderError, ResourceDna } from '@understudy/provider'
import { abortOf, type Adapter, armId, call, found, instanceRef, needVmId, waiting } from './adapter.ts'
import { addressPart, nameOf } from './arm-id.ts'
import { diskDefinition, hasOwnAddress, nicDefinition, type Parts, publicIpDefinition, vmDefinition } from './definitions.ts'
import { translate } from './errors.ts'
import { failed, handleOf, running, succeeded, textOf, creationTags } from '@understudy/provider/adapter-kit'
import { sharedFaultDomain } from './fault-domains.ts'
import { isInGroup, placementOf } from './host-groups.ts'
import { optionalText } from './handles.ts'
import { readVm } from './inventory.ts'
import { tagVm } from './labels.ts'
import { look, submit } from './operations.ts'
import { keptDisksOf } from './snapshots.ts'
import { clonedTags, idTag, imageTag, restTag, specTag } from './tags.ts'
import { nativeStateOf, powerStateOf } from './vm-state.ts'

export const provisionVerb = 'compute.provision'
const vmType = 'Microsoft.Compute/virtualMachines'

/** Disks, then interfaces, then the VM, all under names made of the key: repeated, every step finds what it made. */
export async function provision(adapter: Adapter, source: ResourceDna, spec: CloneSpec, context: CallContext): Promise<OperationHandle<InstanceRef>> {
  if (spec.power === 'held' && (spec.purchase === 'spot' || !source.holdEnabled)) {
    throw providerError('unsupported', 'OperationNotAllowed', 'Azure hibernates neither Spot virtual machines nor those without hibernation enabled.')
  }
  const id = armId(adapter, vmType, nameOf(context.idempotencyKey))
  // Nobody stands behind a portable definition: what it says is all that tells one from another.
  const specHash = contentHash({ spec, source: source.ref.nativeId === '' ? source.fingerprint : source.ref.nativeId })
  const handle = (operation?: string): OperationHandle<InstanceRef> =>
    handleOf(adapter, provisionVerb, context, {
      vm: id,
      zone: spec.zone,
      instanceType: spec.instanceType,
      purchase: spec.purchase,
      ...(isInGroup(source, spec) ? { grouped: true } : {}),
      ...(spec.hosts === 'separate' && source.placement.hostGroup?.strategy === 'partitions' ? { apartFrom: source.ref.nativeId } : {}),
      ...(operation === undefined ? {} : { operation }),
    })
  // Before any part of it is made.
  placementOf(source, spec)
  context.signal?.throwIfAborted()
  const before = await readVm(adapter, id)
  if (before !== undefined) {
    checkSame(before, context.idempotencyKey, specHash)
    return handle()
  }
  try {
    return handle(await create(adapter, source, spec, specHash, context))
  } catch (error) {
    if (isProviderError(error, 'already_exists')) {
      const made = await readVm(adapter, id)
      if (made === undefined) throw error
      checkSame(made, context.idempotencyKey, specHash)
      return handle()
    }
    await tidyUp(adapter, context.idempotencyKey, error)
    throw error
  }
}

function checkSame(vm: VirtualMachine, key: string, specHash: string): void {
  const isSame = vm.tags?.[ownTags.operation] === key && vm.tags[specTag] === specHash
  if (!isSame) throw providerError('idempotency_mismatch', 'SpecDiffers', `${vm.name ?? ''} was made under this key from another definition.`)
}

async function create(adapter: Adapter, source: ResourceDna, spec: CloneSpec, specHash: string, context: CallContext): Promise<string | undefined> {
  const { compute } = adapter.clients
  const { region: location } = adapter.scope
  const own = creationTags(context, adapter.installation)
  const parts = await makeParts(adapter, source, spec, own, context)
  const added: Labels = {
    ...own,
    Name: spec.name,
    [specTag]: specHash,
    ...idTag(imageTag, source.image),
    ...(spec.power === 'running' ? {} : { [restTag]: spec.power }),
  }
  const tags = clonedTags(spec.isolation === undefined ? source.tags : {}, added)
  const definition = vmDefinition(source, spec, parts, tags, location)
  // What a group has no room for, its zone may have.
  const offering = isInGroup(source, spec) ? undefined : { instanceType: spec.instanceType, zone: spec.zone, purchase: spec.purchase }
  const name = nameOf(context.idempotencyKey)
  // Create-only: ARM's PUT would otherwise change a VM of this name, whoever made it.
  const begin = (operations: typeof compute.virtualMachines) =>
    operations.createOrUpdate(adapter.resourceGroup, name, definition, { ifNoneMatch: '*', ...abortOf(context.signal) })
  const operation = await submit(begin, adapter, offering)
  if (operation !== undefined) await look(adapter, 'createOrUpdate', operation, offering)
  return operation
}

async function makeParts(adapter: Adapter, source: ResourceDna, spec: CloneSpec, tags: Labels, context: CallContext): Promise<Parts> {
  const { compute, network } = adapter.clients
  const { region: location } = adapter.scope
  const kept = spec.disks.from === 'snapshots' ? await keptDisksOf(adapter, spec.disks.set) : undefined
  const disks: Parts['disks'][number][] = []
  for (const dna of source.disks) {
    const from = kept?.get(dna.deviceKey)
    if (kept !== undefined && from === undefined)
      throw providerError('invalid', 'SnapshotSet.DiskMissing', `The snapshot set has nothing of the disk ${dna.deviceKey}.`)
    const name = nameOf(context.idempotencyKey, diskPart(dna.deviceKey))
    const definition = diskDefinition(source, dna, spec, tags, location, from)
    await call(async () => compute.disks.createOrUpdate(adapter.resourceGroup, name, definition, waiting(adapter, context.signal)))
    disks.push({ dna, id: armId(adapter, 'Microsoft.Compute/disks', name) })
  }
  const nicIds: string[] = []
  for (const [index, nic] of (spec.isolation === undefined ? source.nics : source.nics.slice(0, 1)).entries()) {
    const name = nameOf(context.idempotencyKey, `nic${index}`)
    const address = hasOwnAddress(nic, spec) ? await makeAddress(adapter, spec, tags, context) : undefined
    const definition = nicDefinition(nic, spec, tags, location, address)
    await call(() => network.networkInterfaces.beginCreateOrUpdateAndWait(adapter.resourceGroup, name, definition, waiting(adapter, context.signal)))
    nicIds.push(armId(adapter, 'Microsoft.Network/networkInterfaces', name))
  }
  return { disks, nicIds }
}

async function makeAddress(adapter: Adapter, spec: CloneSpec, tags: Labels, { idempotencyKey, signal }: CallContext): Promise<string> {
  const { publicIPAddresses } = adapter.clients.network
  const name = nameOf(idempotencyKey, addressPart)
  const definition = publicIpDefinition(spec, tags, adapter.scope.region)
  await call(() => publicIPAddresses.beginCreateOrUpdateAndWait(adapter.resourceGroup, name, definition, waiting(adapter, signal)))
  return armId(adapter, 'Microsoft.Network/publicIPAddresses', name)
}

const diskPart = (deviceKey: string): string => (deviceKey === 'os' ? 'os' : `data${deviceKey.replace('lun:', '')}`)

/**
 * After a refusal for good nothing of the attempt is left: ARM keeps a VM that found no capacity, as `Failed`, together with
 * its disks and interfaces. What may be repeated, or may have taken effect all the same, stays for the next attempt.
 */
async function tidyUp(adapter: Adapter, key: string, error: unknown): Promise<void> {
  if (!isProviderError(error) || error.shape.retryable || error.shape.ambiguous === true || isProviderError(error, 'unknown', 'idempotency_mismatch'))
    return
  const vm = await readVm(adapter, armId(adapter, vmType, nameOf(key)))
  if (vm !== undefined && vm.tags?.[ownTags.operation] !== key) return
  await removeAll(adapter, key)
}

async function removeAll(adapter: Adapter, key: string): Promise<void> {
  const { compute, network } = adapter.clients
  const group = adapter.resourceGroup
  await call(async () => compute.virtualMachines.delete(group, nameOf(key), waiting(adapter)))
  for await (const { name, tags } of compute.disks.listByResourceGroup(group)) {
    if (name !== undefined && tags?.[ownTags.operation] === key) await call(async () => compute.disks.delete(group, name, waiting(adapter)))
  }
  for await (const { name, tags } of network.networkInterfaces.list(group)) {
    if (name !== undefined && tags?.[ownTags.operation] === key)
      await call(() => network.networkInterfaces.beginDeleteAndWait(group, name, waiting(adapter)))
  }
  // Nobody may delete an address that an interface still has.
  const addressName = nameOf(key, addressPart)
  const address = await found(() => network.publicIPAddresses.get(group, addressName))
  if (address?.tags?.[ownTags.operation] === key) await call(() => network.publicIPAddresses.beginDeleteAndWait(group, addressName, waiting(adapter)))
}

export async function pollProvision(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<InstanceRef>> {
  const operation = optionalText(handle, 'operation')
  const asked = {
    instanceType: textOf(handle, 'instanceType'),
    zone: textOf(handle, 'zone'),
    purchase: textOf(handle, 'purchase') === 'spot' ? ('spot' as const) : ('on-demand' as const),
  }
  const offering = handle.native['grouped'] === true ? undefined : asked
  try {
    if (operation !== undefined) {
      const { done, retryAfterMs } = await look(adapter, 'createOrUpdate', operation, offering)
      if (!done) return running('creating', retryAfterMs)
    }
  } catch (error) {
    if (!isProviderError(error) || error.shape.retryable) throw error
    // Azure forgets operations after a while; the VM is left to tell.
    if (error.kind !== 'not_found') return await failedFor(adapter, handle, error)
  }
  const vm = await readVm(adapter, textOf(handle, 'vm'))
  if (vm === undefined)
    return failed(providerError('not_found', 'ResourceNotFound', `There is no virtual machine ${textOf(handle, 'vm')} (any more).`))
  const refusal = refusalIn(vm)
  if (refusal !== undefined)
    return await failedFor(adapter, handle, translate(new Error(`The long-running operation has failed. ${refusal}.`), {}, offering))
  const apartFrom = optionalText(handle, 'apartFrom')
  const shared = apartFrom === undefined ? undefined : await sharedFaultDomain(adapter, vm, apartFrom)
  return shared === undefined ? await atRest(adapter, vm) : await failedFor(adapter, handle, shared)
}

async function failedFor(adapter: Adapter, handle: OperationHandle, error: ProviderError): Promise<OperationStatus<never>> {
  await tidyUp(adapter, handle.idempotencyKey, error)
  return failed(error)
}

/** A VM that was never allocated says so in its view: `ProvisioningState/failed/AllocationFailed`. */
function refusalIn(vm: VirtualMachine): string | undefined {
  const statuses = vm.instanceView?.statuses ?? []
  if (statuses.some(({ code }) => code?.startsWith('PowerState/') === true)) return undefined
  return statuses.flatMap(({ code }) => /^ProvisioningState\/failed\/(\w+)$/i.exec(code ?? '')?.[1] ?? [])[0]
}

/** Azure cannot create a stopped VM: it is brought to rest once, which its tag tells; later starts are none of our business. */
async function atRest(adapter: Adapter, vm: VirtualMachine): Promise<OperationStatus<InstanceRef>> {
  const id = vm.id ?? ''
  const state = powerStateOf(vm)
  const rest = vm.tags?.[restTag]
  if (state === 'provisioning' || state === 'stopping') return running(nativeStateOf(vm))
  if (rest === undefined) return succeeded(instanceRef(adapter.scope, id, vm.zones?.[0]))
  if (state === 'stopped' || state === 'held') {
    await tagVm(adapter, id, { [restTag]: undefined })
    return succeeded(instanceRef(adapter.scope, id, vm.zones?.[0]))
  }
  const { group, name } = needVmId(adapter, id)
  try {
    await submit((operations) => operations.deallocate(group, name, rest === 'held' ? { hibernate: true } : {}), adapter)
  } catch (error) {
    // The guest's agent is not ready to hibernate yet.
    if (rest !== 'held' || !isProviderError(error, 'conflict')) throw error
  }
  return running(nativeStateOf(vm))
}
