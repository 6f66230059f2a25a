export { createAwsProvider } from './aws-provider.ts'
export { validateAwsSettings } from './settings.ts'
export type { AwsAccountSettings, AwsCredentials, AwsSettings } from './settings.ts'
export { awsAdapter } from './aws-adapter.ts'
