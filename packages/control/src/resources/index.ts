export * from './resource.store.ts'
export * from './resource.ts'
