import type { NetworkInterface, NetworkInterfaceIPConfiguration } from '@azure/arm-network'
import { isProviderError, providerError } from '@understudy/provider'
import { abortOf, type Adapter, call, found, needVmId, waiting } from '../adapter.ts'
import { parseArmId, sameId } from '../arm-id.ts'

const attempts = 4

/** The interface of a VM that carries its traffic. Throws `not_found` when the VM is gone. */
export async function primaryNicOf(adapter: Adapter, vmNativeId: string, signal?: AbortSignal): Promise<NetworkInterface> {
  const { group, name } = needVmId(adapter, vmNativeId)
  const vm = await call(() => adapter.clients.compute.virtualMachines.get(group, name, abortOf(signal)))
  const nics = vm.networkProfile?.networkInterfaces ?? []
  const nic = await nicById(adapter, (nics.find(({ primary }) => primary === true) ?? nics[0])?.id ?? '')
  if (nic === undefined) throw providerError('not_found', 'ResourceNotFound', `${vmNativeId} has no network interface.`)
  return nic
}

/** By its own id or by that of one of its IP configurations. */
export async function nicById(adapter: Adapter, id: string): Promise<NetworkInterface | undefined> {
  const nic = parseArmId(id.replace(/\/ipConfigurations\/[^/]+$/i, ''))
  return nic?.type === 'microsoft.network/networkinterfaces'
    ? await found(() => adapter.clients.network.networkInterfaces.get(nic.group, nic.name))
    : undefined
}

export const primaryConfiguration = (nic: NetworkInterface): NetworkInterfaceIPConfiguration | undefined =>
  nic.ipConfigurations?.find(({ primary }) => primary === true) ?? nic.ipConfigurations?.[0]

/**
 * A network interface is written as a whole, so that what others wrote meanwhile would be lost: the etag that was read goes with it, and a
 * 412 is answered by reading again. `change` answers `undefined` when nothing has to be written.
 */
export async function changeNic(
  adapter: Adapter,
  nicId: string,
  change: (configuration: NetworkInterfaceIPConfiguration) => NetworkInterfaceIPConfiguration | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const { networkInterfaces } = adapter.clients.network
  await adapter.oneByOne(nicId.toLowerCase(), async () => {
    for (let attempt = 1; ; attempt++) {
      const nic = await nicById(adapter, nicId)
      const before = nic === undefined ? undefined : primaryConfiguration(nic)
      if (nic === undefined || before === undefined) throw providerError('not_found', 'ResourceNotFound', `There is no network interface ${nicId}.`)
      const after = change(before)
      const id = parseArmId(nic.id ?? '')
      if (after === undefined || id === undefined) return
      const ipConfigurations = (nic.ipConfigurations ?? []).map((configuration) => (configuration === before ? after : configuration))
      try {
        const options = { ...waiting(adapter, signal), ...guardedBy(nic.etag) }
        await call(() => networkInterfaces.beginCreateOrUpdateAndWait(id.group, id.name, { ...nic, ipConfigurations }, options))
        return
      } catch (error) {
        if (!isProviderError(error, 'already_exists') || attempt === attempts) throw error
      }
    }
  })
}

/** The generated client of Azure's network knows no preconditions; the service does. */
export const guardedBy = (etag: string | undefined) => (etag === undefined ? {} : { requestOptions: { customHeaders: { 'If-Match': etag } } })

/** The VM behind an interface. */
export const vmOf = (nic: NetworkInterface | undefined): string | undefined => nic?.virtualMachine?.id

export const isSameVm = (nic: NetworkInterface | undefined, vmNativeId: string): boolean => sameId(vmOf(nic) ?? '', vmNativeId)
