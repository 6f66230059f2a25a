export * from './webhook.store.ts'
export * from './webhook.ts'
