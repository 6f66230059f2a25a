import type { PublicIPAddress } from '@azure/arm-network'
import { ownTags } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { InstanceRef, Leftover, Leftovers } from '@understudy/provider'
import { abortOf, type Adapter, call, found, listed, needVmId, waiting } from './adapter.ts'
import { isOver } from './commands.ts'
import { addressPart, nameOf, parseArmId } from './arm-id.ts'
import { traced } from './trace.ts'

type Tags = Readonly<Record<string, string>>

/** Public addresses of stand-ins that never came to be, and managed run commands, of which a VM holds 25. */
export function azureLeftovers(adapter: Adapter): Leftovers {
  return {
    async list({ tags, instances }) {
      const found = [await looseAddresses(adapter, tags)]
      for (const instance of instances) found.push(await commandsThatEnded(adapter, tags, instance))
      return found.flat()
    },
    remove: ({ kind, nativeId }, context) =>
      traced(context, () =>
        kind === 'address' ? releaseAddress(adapter, nativeId, context.signal) : forgetCommand(adapter, nativeId, context.signal),
      ),
  }
}

const hasAll = (tags: Tags | undefined, wanted: Tags): tags is Tags => Object.entries(wanted).every(([key, value]) => tags?.[key] === value)

/** Bound to nothing, and the machine it was made together with is not there. Whose machine is there may be about to use it. */
async function looseAddresses({ clients, scope, resourceGroup }: Adapter, wanted: Tags): Promise<readonly Leftover[]> {
  const addresses = await call(async () => listed(clients.network.publicIPAddresses.listAll()))
  const loose = addresses.flatMap((address): readonly Leftover[] => {
    const { id = '', location, tags } = address
    const isHere = location?.toLowerCase() === scope.region.toLowerCase() && parseArmId(id)?.group.toLowerCase() === resourceGroup.toLowerCase()
    return isHere && isUnbound(address) && hasAll(tags, wanted) && tags[ownTags.operation] !== undefined
      ? [{ kind: 'address', nativeId: id, tags }]
      : []
  })
  if (loose.length === 0) return []
  const machines = await call(async () => listed(clients.compute.virtualMachines.listAll()))
  const keys = new Set(machines.map(({ tags }) => tags?.[ownTags.operation]))
  return loose.filter(({ tags }) => !keys.has(tags[ownTags.operation]))
}

const isUnbound = ({ ipConfiguration, natGateway }: PublicIPAddress): boolean => ipConfiguration === undefined && natGateway === undefined

/** The address that was made under a key, unless something has it. */
export async function deleteLooseAddress(adapter: Adapter, key: string, signal?: AbortSignal): Promise<void> {
  const address = await found(() => adapter.clients.network.publicIPAddresses.get(adapter.resourceGroup, nameOf(key, addressPart), abortOf(signal)))
  if (address?.id === undefined || address.tags?.[ownTags.operation] !== key || !isUnbound(address)) return
  await releaseAddress(adapter, address.id, signal)
}

/** ARM refuses it too while something has it. */
async function releaseAddress(adapter: Adapter, nativeId: string, signal?: AbortSignal): Promise<void> {
  const id = parseArmId(nativeId)
  if (id?.type !== 'microsoft.network/publicipaddresses') throw providerError('invalid', 'NoPublicAddress', `${nativeId} is no public IP address.`)
  const { publicIPAddresses } = adapter.clients.network
  const address = await found(() => publicIPAddresses.get(id.group, id.name, abortOf(signal)))
  if (address === undefined) return
  if (!isUnbound(address)) throw providerError('conflict', 'PublicIPAddressInUse', `${id.name} is bound again.`)
  await call(() => publicIPAddresses.beginDeleteAndWait(id.group, id.name, waiting(adapter, signal)))
}

async function commandsThatEnded(adapter: Adapter, wanted: Tags, instance: InstanceRef): Promise<readonly Leftover[]> {
  const { group, name } = needVmId(adapter, instance.nativeId)
  const { virtualMachineRunCommands } = adapter.clients.compute
  const commands = await found(async () => listed(virtualMachineRunCommands.listByVirtualMachine(group, name, { expand: 'instanceView' })))
  return (commands ?? []).flatMap((command): readonly Leftover[] =>
    command.id !== undefined && hasAll(command.tags, wanted) && isOver(command, adapter.clock.nowMs())
      ? [{ kind: 'command', nativeId: command.id, tags: command.tags }]
      : [],
  )
}

async function forgetCommand(adapter: Adapter, nativeId: string, signal?: AbortSignal): Promise<void> {
  const [, machine = '', name = ''] = /^(.+)\/runCommands\/([^/]+)$/i.exec(nativeId) ?? []
  const vm = needVmId(adapter, machine)
  await found(async () => adapter.clients.compute.virtualMachineRunCommands.delete(vm.group, vm.name, name, waiting(adapter, signal)))
}
