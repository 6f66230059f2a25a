export * from './placement.store.ts'
