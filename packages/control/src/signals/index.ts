export * from './signal.store.ts'
export * from './signal.ts'
