import type { JsonObject } from '@understudy/core'
import { createDataCentre, restoreDataCentre } from '../datacentre/create-datacentre.ts'
import type { DataCentre, DataCentreOptions } from '../datacentre/datacentre.ts'

/** Name, vCPUs, GiB of memory, USD per hour. */
const types: readonly (readonly [string, number, number, number])[] = [
  ['e2-small', 2, 2, 0.0168],
  ['e2-medium', 2, 4, 0.0335],
  ['e2-standard-2', 2, 8, 0.067],
  ['e2-standard-4', 4, 16, 0.134],
  ['n2-standard-2', 2, 8, 0.0971],
  ['n2-standard-4', 4, 16, 0.1942],
]

const never = 365 * 86_400_000

export const seededGoogleImage = 'sim-debian-13'

/** `europe-west1` with zones b, c and d (there is no a), an image and the common machine types; or what was `saved` of it. */
export function seedGoogleRegion(options: DataCentreOptions, saved?: JsonObject): DataCentre {
  // Google neither starts a preempted instance again by itself nor puts another in its place.
  const latencies = { hibernationAgent: 0, spotReturn: never, spotRelaunch: never, ...options.latencies }
  const google = { ...options, region: 'europe-west1', zoneLetters: ['-b', '-c', '-d'], latencies, stateChangeEvents: false, ownersRestart: true }
  if (saved !== undefined) return restoreDataCentre(google, saved)
  const dataCentre = createDataCentre(google)
  for (const [instanceType, vcpus, memoryGiB, onDemandUsdPerHour] of types) {
    dataCentre.catalogue.addInstanceType({
      instanceType,
      vcpus,
      memoryMiB: memoryGiB * 1024,
      hibernationSupported: true,
      architecture: 'x86_64',
      onDemandUsdPerHour,
      maxVolumes: 128,
      maxNetworkInterfaces: 2,
      notOfferedIn: [],
    })
  }
  dataCentre.catalogue.addImage({
    imageId: seededGoogleImage,
    name: seededGoogleImage,
    rootDeviceName: 'persistent-disk-0',
    architecture: 'x86_64',
    platform: 'linux',
    rootSizeGiB: 20,
    bootMode: 'uefi',
  })
  return dataCentre
}
