export { awsAdapter } from './aws-adapter.ts'
export { createAwsProvider } from './aws-provider.ts'
export type { AwsAccountSettings, AwsCredentials, AwsSettings } from './settings.ts'
export { validateAwsCredentials, validateAwsSettings } from './validate-settings.ts'
