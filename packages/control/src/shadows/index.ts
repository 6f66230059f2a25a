export * from './shadow.store.ts'
export * from './shadow.ts'
