export * from './access.store.ts'
export * from './access.ts'
