export { gcpAdapter } from './gcp-adapter.ts'
