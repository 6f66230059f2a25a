import { now } from '@understudy/core'
import type { Market, Quote } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { chunksOf } from './coalesce.ts'

const maxFilterValues = 200

/** Zones, offerings and spot prices. On-demand prices are in another service, in one region; they are left out. */
export function awsMarket({ calls, clock, instanceTypes, scope }: Adapter): Market {
  const zones = async (): Promise<readonly string[]> => {
    const answer = await calls.describeAvailabilityZones({
      Filters: [
        { Name: 'region-name', Values: [scope.region] },
        { Name: 'state', Values: ['available'] },
      ],
    })
    return (answer.AvailabilityZones ?? [])
      .filter(({ ZoneType }) => ZoneType === undefined || ZoneType === 'availability-zone') // no local zones, no wavelength zones
      .flatMap(({ ZoneName }) => ZoneName ?? [])
      .toSorted()
  }
  const offered = async (types: readonly string[]): Promise<Quote[]> => {
    const quotes: Quote[] = []
    const asOf = now(clock).toISOString()
    let nextToken: string | undefined
    do {
      const page = await calls.describeInstanceTypeOfferings({
        LocationType: 'availability-zone',
        Filters: [{ Name: 'instance-type', Values: [...types] }],
        MaxResults: 1000,
        ...(nextToken === undefined ? {} : { NextToken: nextToken }),
      })
      for (const { InstanceType: instanceType, Location: zone } of page.InstanceTypeOfferings ?? []) {
        if (instanceType !== undefined && zone !== undefined) quotes.push({ instanceType, zone, purchase: 'on-demand', asOf })
      }
      nextToken = page.NextToken === '' ? undefined : page.NextToken
    } while (nextToken !== undefined)
    return quotes
  }
  const spotPrices = async (types: readonly string[]): Promise<Quote[]> => {
    const newest = new Map<string, Quote>()
    let nextToken: string | undefined
    do {
      // A start time of now asks for the prices in force, and not for their history.
      const page = await calls.describeSpotPriceHistory({
        Filters: [{ Name: 'instance-type', Values: [...types] }],
        ProductDescriptions: ['Linux/UNIX'],
        StartTime: now(clock),
        ...(nextToken === undefined ? {} : { NextToken: nextToken }),
      })
      for (const { InstanceType: instanceType, AvailabilityZone: zone, SpotPrice: price, Timestamp: at } of page.SpotPriceHistory ?? []) {
        if (instanceType === undefined || zone === undefined || price === undefined) continue
        const quote: Quote = { instanceType, zone, purchase: 'spot', usdPerHour: Number(price), asOf: (at ?? now(clock)).toISOString() }
        const known = newest.get(`${instanceType} ${zone}`)
        if (known === undefined || known.asOf < quote.asOf) newest.set(`${instanceType} ${zone}`, quote)
      }
      nextToken = page.NextToken === '' ? undefined : page.NextToken
    } while (nextToken !== undefined)
    return [...newest.values()]
  }
  return {
    zones,
    async quotes({ instanceTypes: types }) {
      const unique = [...new Set(types)]
      const parts = await Promise.all(chunksOf(unique, maxFilterValues).map((chunk) => Promise.all([offered(chunk), spotPrices(chunk)])))
      return parts.flat(2)
    },
    async sizes(types) {
      const unique = [...new Set(types)]
      const sizes = await Promise.all(unique.map((type) => instanceTypes.size(type)))
      return new Map(unique.flatMap((type, index) => (sizes[index] === undefined ? [] : [[type, sizes[index]] as const])))
    },
  }
}
