export * from './idempotency.store.ts'
export * from './operation.store.ts'
export * from './operation.ts'
export * from './reconciler.store.ts'
