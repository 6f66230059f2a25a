export { adapters } from './adapters.ts'
export { createProviders } from './create-providers.ts'
export type { ProvidersOptions } from './create-providers.ts'
