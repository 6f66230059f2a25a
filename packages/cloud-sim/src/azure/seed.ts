import type { DataCentre, DataCentreOptions } from '../datacentre/datacentre.ts'
import { seedRegion } from '../datacentre/fixtures.ts'

/** Sizes of the simulated subscription: name, vCPUs, GiB of memory, USD per hour. */
const sizes = [
  ['Standard_D2s_v5', 2, 8, 0.096],
  ['Standard_D4s_v5', 4, 16, 0.192],
  ['Standard_D8s_v5', 8, 32, 0.384],
] as const

/** `westeurope`, three zones, with the common sizes. */
export function seedAzureRegion(options: DataCentreOptions): DataCentre {
  const dataCentre = seedRegion({ region: 'westeurope', ownersRestart: true, ...options })
  for (const [instanceType, vcpus, memoryGiB, onDemandUsdPerHour] of sizes) {
    dataCentre.catalogue.addInstanceType({
      instanceType,
      vcpus,
      memoryMiB: memoryGiB * 1024,
      hibernationSupported: true,
      architecture: 'x86_64',
      onDemandUsdPerHour,
      maxVolumes: 16,
      maxNetworkInterfaces: 2,
      notOfferedIn: [],
    })
  }
  return dataCentre
}
