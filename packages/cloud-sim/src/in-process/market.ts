import { now } from '@understudy/core'
import type { Market, Quote } from '@understudy/provider'
import type { SimAdapter } from './adapter.ts'

export function simMarket(adapter: SimAdapter): Market {
  const { dc } = adapter
  const read = { effect: 'read' } as const
  return {
    async zones() {
      const { items } = await adapter.call('DescribeAvailabilityZones', () => dc.network.describeZones(), read)
      return items.map((zone) => zone.name).toSorted()
    },
    async quotes({ instanceTypes }) {
      const filters = [{ name: 'instance-type', values: instanceTypes }]
      const { items } = await adapter.call('DescribeInstanceTypeOfferings', () => dc.catalogue.describeOfferings({ filters }), read)
      const spot = await adapter.call('DescribeSpotPriceHistory', () => dc.catalogue.spotPrices({ instanceTypes }), read)
      const spotPrice = new Map(spot.map((price) => [`${price.instanceType}|${price.zone}`, price.usdPerHour]))
      const asOf = now(dc.clock).toISOString()
      return items.flatMap(({ instanceType, zone }): Quote[] => {
        const onDemand = dc.catalogue.onDemandPrice(instanceType)
        const spotNow = spotPrice.get(`${instanceType}|${zone}`)
        return [
          { instanceType, zone, purchase: 'on-demand', ...(onDemand === undefined ? {} : { usdPerHour: onDemand }), asOf },
          { instanceType, zone, purchase: 'spot', ...(spotNow === undefined ? {} : { usdPerHour: spotNow }), asOf },
        ]
      })
    },
    async sizes(instanceTypes) {
      const filters = [{ name: 'instance-type', values: instanceTypes }]
      const { items } = await adapter.call('DescribeInstanceTypes', () => dc.catalogue.describeInstanceTypes({ filters }), read)
      return new Map(
        items.map((type) => [type.instanceType, { vcpus: type.vcpus, memoryMiB: type.memoryMiB, holdSupported: type.hibernationSupported }]),
      )
    },
  }
}
