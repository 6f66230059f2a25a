export * from './definition.ts'
export * from './log.ts'
export * from './store.ts'
