export * from './await-operation.ts'
export * from './call-context.ts'
export * from './ensure-running.ts'
export * from './health.ts'
