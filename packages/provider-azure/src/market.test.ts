import { startAzureServer } from '@understudy/cloud-sim'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAzureProvider } from './azure-provider.ts'
import { offered } from './sizes.ts'
import { settingsFor } from './testing/wire-world.ts'

let server: Awaited<ReturnType<typeof startAzureServer>>
beforeAll(async () => {
  server = await startAzureServer()
})
afterAll(() => server.close())

test('zones, offers and sizes are those of the region, without prices', async () => {
  const provider = createAzureProvider(settingsFor(server))
  const { market } = provider
  expect(await market?.zones()).toEqual(['1', '2', '3'])
  const quotes = await market?.quotes({ instanceTypes: ['Standard_D2s_v5', 'Standard_None'] })
  expect(quotes?.map(({ zone, purchase }) => `${zone} ${purchase}`)).toEqual(['1', '2', '3'].flatMap((zone) => [`${zone} on-demand`, `${zone} spot`]))
  expect(quotes?.every(({ instanceType, usdPerHour }) => instanceType === 'Standard_D2s_v5' && usdPerHour === undefined)).toBe(true)
  const sizes = await market?.sizes(['Standard_D2s_v5', 'Standard_None'])
  expect(sizes).toEqual(new Map([['Standard_D2s_v5', { vcpus: 2, memoryMiB: 8192, holdSupported: true }]]))
  await provider.close()
})

test('what a subscription may not have in a zone, or in the region, is not offered', () => {
  const sku = {
    name: 'Standard_D2s_v5',
    locationInfo: [{ location: 'WestEurope', zones: ['3', '1', '2'] }],
    capabilities: [{ name: 'LowPriorityCapable', value: 'False' }],
  }
  const inZone = offered({ ...sku, restrictions: [{ type: 'Zone', restrictionInfo: { locations: ['westeurope'], zones: ['2'] } }] }, 'westeurope')
  expect(inZone).toMatchObject({ zones: ['1', '3'], hasSpot: false })
  const inRegion = offered({ ...sku, restrictions: [{ type: 'Location', values: ['westeurope'] }] }, 'westeurope')
  expect(inRegion.zones).toEqual([])
})
