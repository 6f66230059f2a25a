import { now } from '@understudy/core'
import type { Market, Quote } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { regionZones } from './zones.ts'

/** More memory than this cannot be kept. */
const maxHeldMiB = 208 * 1024

/**
 * Zones, and which types each of them offers. Prices are in another service (the billing catalogue), by components of a machine
 * rather than by type, and are left out.
 */
export function gcpMarket(adapter: Adapter): Market {
  const { machineTypes, clock } = adapter
  const zones = (): Promise<readonly string[]> => regionZones(adapter)
  return {
    zones,
    async quotes({ instanceTypes }) {
      const asOf = now(clock).toISOString()
      const pairs = (await zones()).flatMap((zone) => [...new Set(instanceTypes)].map((instanceType) => ({ zone, instanceType })))
      const offered = await Promise.all(
        pairs.map(async (pair) => ((await machineTypes.size(pair.zone, pair.instanceType)) === undefined ? [] : [pair])),
      )
      return offered.flat().flatMap((pair): Quote[] => [
        { ...pair, purchase: 'on-demand', asOf },
        { ...pair, purchase: 'spot', asOf },
      ])
    },
    async sizes(instanceTypes) {
      const places = await zones()
      const sizes = await Promise.all(
        [...new Set(instanceTypes)].map(async (type) => {
          for (const zone of places) {
            const size = await machineTypes.size(zone, type)
            if (size !== undefined) return [[type, { ...size, holdSupported: size.memoryMiB <= maxHeldMiB && !size.hasAccelerators }] as const]
          }
          return []
        }),
      )
      return new Map(sizes.flat().map(([type, { vcpus, memoryMiB, holdSupported }]) => [type, { vcpus, memoryMiB, holdSupported }]))
    },
  }
}
