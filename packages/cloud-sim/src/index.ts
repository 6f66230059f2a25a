export { ScaledClock } from './control/scaled-clock.ts'
export * from './datacentre/api.ts'
export { diskBlockStore } from './datacentre/block-store-disk.ts'
export { blockBytes, LayeredBlockStore, memoryBlockStore } from './datacentre/block-store-layers.ts'
export * from './datacentre/block-store.ts'
export { chooseTarget } from './datacentre/choose-target.ts'
export { createDataCentre, restoreDataCentre, usualLatencies } from './datacentre/create-datacentre.ts'
export * from './datacentre/datacentre.ts'
export * from './datacentre/fixtures.ts'
export { stateCodes } from './datacentre/instance-query.ts'
export * from './datacentre/sim-error.ts'
export * from './datacentre/types.ts'
export {
  type SimServer,
  type SimServerOptions,
  simulatedAccessKeyId,
  simulatedAccountId,
  simulatedSecretAccessKey,
  startSimServer,
} from './server.ts'
export { parseEvent } from './in-process/parse-signal.ts'
export { hostGroupWorld } from './in-process/host-group-world.ts'
export type { Model } from './in-process/likeness.ts'
export { simProvider, type SimProviderOptions } from './in-process/sim-provider.ts'
export { resolve as resolveGoogleName } from './google/dns-routes.ts'
export { type Exchange, type GoogleServer, type GoogleServerOptions, startGoogleServer } from './google/google-server.ts'
export { seededGoogleImage, seedGoogleRegion } from './google/seed.ts'
export { GuestFiles } from './guest/file-system.ts'
export { programsOf } from './guest/shell.ts'
export { seedAzureRegion } from './azure/seed.ts'
export type { ArmExchange } from './azure/observed.ts'
export { armSpecification } from './azure/specification.ts'
export { resolveTrafficManager } from './azure/traffic-manager.ts'
export { startAzureCloud } from './clouds/azure-cloud.ts'
export { azureWorkload } from './clouds/azure-workload.ts'
export type { Cloud } from './clouds/cloud.ts'
export { startGoogleCloud } from './clouds/google-cloud.ts'
export { scheduledEvents } from './clouds/scheduled-events.ts'
export { type AzureServer, type AzureServerOptions, startAzureServer } from './azure/server.ts'
