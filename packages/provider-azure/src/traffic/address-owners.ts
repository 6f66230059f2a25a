import type { PublicIPAddress } from '@azure/arm-network'
import { type Adapter, call, found, listed } from '../adapter.ts'
import { parseArmId } from '../arm-id.ts'
import { nicById, primaryConfiguration, primaryNicOf, vmOf } from './interfaces.ts'

export interface Owners {
  /** Native ids of the machines that have these public addresses, by address. What is nobody's is left out. */
  of(addresses: readonly string[]): Promise<ReadonlyMap<string, string>>
}

/** The public address of a VM's own interface. `undefined`: it has none. */
export async function publicAddressOf(adapter: Adapter, vmNativeId: string, signal?: AbortSignal): Promise<string | undefined> {
  const nic = await primaryNicOf(adapter, vmNativeId, signal)
  const id = parseArmId(primaryConfiguration(nic)?.publicIPAddress?.id ?? '')
  const address = id && (await found(() => adapter.clients.network.publicIPAddresses.get(id.group, id.name)))
  return address?.ipAddress
}

/**
 * Whose addresses they are. A list of all public addresses of the subscription finds a new one; one that was found once is only asked
 * whose it is now.
 */
export function ownersOf(adapter: Adapter): Owners {
  const { publicIPAddresses } = adapter.clients.network
  /** Ids of public addresses, by the address: it belongs to the resource, wherever that is bound. */
  const known = new Map<string, string>()
  const holderOf = async (resource: PublicIPAddress): Promise<string | undefined> => vmOf(await nicById(adapter, resource.ipConfiguration?.id ?? ''))
  const still = async (address: string): Promise<PublicIPAddress | undefined> => {
    const id = parseArmId(known.get(address) ?? '')
    const resource = id && (await found(() => publicIPAddresses.get(id.group, id.name)))
    return resource?.ipAddress === address ? resource : undefined
  }
  return {
    async of(addresses) {
      const resources = new Map(await Promise.all(addresses.map(async (address) => [address, await still(address)] as const)))
      if (addresses.some((address) => resources.get(address) === undefined)) {
        for (const resource of await call(async () => listed(publicIPAddresses.listAll()))) {
          const { id, ipAddress } = resource
          if (id === undefined || ipAddress === undefined || !addresses.includes(ipAddress)) continue
          known.set(ipAddress, id)
          resources.set(ipAddress, resource)
        }
      }
      const holders = [...resources].map(async ([address, resource]) => [address, resource && (await holderOf(resource))] as const)
      return new Map((await Promise.all(holders)).flatMap(([address, holder]) => (holder === undefined ? [] : [[address, holder]])))
    },
  }
}
