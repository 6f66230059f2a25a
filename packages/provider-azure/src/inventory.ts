import type { VirtualMachine } from '@azure/arm-compute'
import type { Inventory, InstanceRef, InstanceSummary } from '@understudy/provider'
import { type Adapter, call, found, listed, vmIdOf } from './adapter.ts'
import { parseArmId } from './arm-id.ts'
import { dnaOf } from './dna.ts'
import { type SizeReader, unknownSize } from './sizes.ts'
import { summaryOf } from './vm-state.ts'

const usualLimit = 10_000
/** More instances than this are read as a list: a VM's own reads come from a small bucket (36, 12 per minute). */
const singlyAtMost = 4

export const readVm = (adapter: Adapter, nativeId: string): Promise<VirtualMachine | undefined> => {
  const id = vmIdOf(adapter, nativeId)
  if (id === undefined) return Promise.resolve(undefined)
  return found(() => adapter.clients.compute.virtualMachines.get(id.group, id.name, { expand: 'instanceView' }))
}

/** All VMs of the subscription with their power states: what they are and what they do are two lists. */
async function fleet({ clients }: Adapter): Promise<VirtualMachine[]> {
  const [models, states] = await Promise.all([
    call(async () => listed(clients.compute.virtualMachines.listAll())),
    call(async () => listed(clients.compute.virtualMachines.listAll({ statusOnly: 'true' }))),
  ])
  const views = new Map(states.map((vm) => [vm.id?.toLowerCase(), vm.instanceView]))
  return models.map((vm) => {
    const instanceView = views.get(vm.id?.toLowerCase())
    return instanceView === undefined ? vm : { ...vm, instanceView }
  })
}

export function azureInventory(adapter: Adapter, sizes: SizeReader): Inventory {
  return {
    async describe(ref) {
      const vm = await readVm(adapter, ref.nativeId)
      return vm === undefined ? undefined : await describeVm(adapter, sizes, vm)
    },
    async *list({ tags = {}, limit = usualLimit }) {
      if (limit <= 0) return
      let left = limit
      for (const vm of await fleet(adapter)) {
        if (vm.location?.toLowerCase() !== adapter.scope.region.toLowerCase()) continue
        if (!Object.entries(tags).every(([key, value]) => vm.tags?.[key] === value)) continue
        yield summaryOf(adapter.scope, vm)
        left -= 1
        if (left === 0) return
      }
    },
    async states(refs) {
      const vms = refs.length <= singlyAtMost ? await Promise.all(refs.map(({ nativeId }) => readVm(adapter, nativeId))) : await fleet(adapter)
      const byId = new Map(vms.flatMap((vm) => (vm?.id === undefined ? [] : [[vm.id.toLowerCase(), vm] as const])))
      return new Map(refs.flatMap((ref) => entryOf(adapter, ref, byId.get(ref.nativeId.toLowerCase()))))
    },
  }
}

const entryOf = (adapter: Adapter, ref: InstanceRef, vm: VirtualMachine | undefined): [string, InstanceSummary][] =>
  vm === undefined ? [] : [[ref.nativeId, summaryOf(adapter.scope, vm)]]

/** Five more kinds of reads: what the VM names lies in resources of their own. */
export async function describeVm(adapter: Adapter, sizes: SizeReader, vm: VirtualMachine) {
  const { compute, network, locks } = adapter.clients
  const id = parseArmId(vm.id ?? '')
  const { osDisk, dataDisks = [] } = vm.storageProfile ?? {}
  const diskIds = [osDisk?.managedDisk?.id, ...dataDisks.map(({ managedDisk }) => managedDisk?.id)].flatMap((diskId) => diskId ?? [])
  const nicIds = (vm.networkProfile?.networkInterfaces ?? []).flatMap((nic) => nic.id ?? [])
  const [disks, nics, userData, held, size] = await Promise.all([
    Promise.all(named(diskIds).map(({ group, name }) => found(() => compute.disks.get(group, name)))),
    Promise.all(named(nicIds).map(({ group, name }) => found(() => network.networkInterfaces.get(group, name)))),
    id === undefined ? undefined : found(() => compute.virtualMachines.get(id.group, id.name, { expand: 'userData' })),
    call(async () => listed(locks.managementLocks.listByScope(vm.id ?? ''))),
    sizes.sizeOf(vm.hardwareProfile?.vmSize ?? ''),
  ])
  const present = nics.filter((nic) => nic !== undefined)
  const addressIds = present.flatMap(({ ipConfigurations }) => ipConfigurations?.[0]?.publicIPAddress?.id ?? [])
  const addresses = await Promise.all(named(addressIds).map(({ group, name }) => found(() => network.publicIPAddresses.get(group, name))))
  return dnaOf(adapter.scope, {
    vm,
    disks: disks.filter((disk) => disk !== undefined),
    nics: present,
    addresses: addresses.filter((address) => address !== undefined),
    userData: userData?.userData,
    isLocked: held.length > 0,
    size: size ?? unknownSize,
  })
}

const named = (ids: readonly string[]) => ids.map(parseArmId).filter((id) => id !== undefined)
