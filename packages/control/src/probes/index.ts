export * from './probe.ts'
export * from './prober.ts'
export { failedChecks, verifyInstance } from './verify-instance.ts'
