export * from './journal.store.ts'
export * from './journal.ts'
