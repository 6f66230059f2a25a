export * from './backend.ts'
export * from './catalogue.ts'
export * from './outbox-relay.ts'
export * from './queue.ts'
