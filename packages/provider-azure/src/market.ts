import { now } from '@understudy/core'
import type { Market, Quote } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import type { OfferedSize, SizeReader } from './sizes.ts'

/**
 * Zones, and which sizes each of them offers to this subscription. Prices are in another service (retail prices, which know nothing
 * of what a subscription has agreed), and are left out.
 */
export function azureMarket({ clock }: Adapter, sizes: SizeReader): Market {
  const known = async (names: readonly string[]): Promise<(readonly [string, OfferedSize])[]> => {
    const found = await Promise.all([...new Set(names)].map(async (name) => [name, await sizes.sizeOf(name)] as const))
    return found.flatMap(([name, size]) => (size === undefined ? [] : [[name, size] as const]))
  }
  return {
    async zones() {
      return [...new Set((await sizes.all()).flatMap((size) => size.zones))].toSorted()
    },
    async quotes({ instanceTypes }) {
      const asOf = now(clock).toISOString()
      return (await known(instanceTypes)).flatMap(([instanceType, { zones, hasSpot }]) =>
        zones.flatMap((zone): Quote[] => [
          { instanceType, zone, purchase: 'on-demand', asOf },
          ...(hasSpot ? [{ instanceType, zone, purchase: 'spot', asOf } as const] : []),
        ]),
      )
    },
    async sizes(instanceTypes) {
      return new Map(
        (await known(instanceTypes)).map(([name, { vcpus, memoryMiB, isHibernatable }]) => [
          name,
          { vcpus, memoryMiB, holdSupported: isHibernatable },
        ]),
      )
    },
  }
}
