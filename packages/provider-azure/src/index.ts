export { azureAdapter } from './azure-adapter.ts'
export { createAzureProvider } from './azure-provider.ts'
export type { AzureAccountSettings, AzureCredentials, AzureSettings } from './settings.ts'
