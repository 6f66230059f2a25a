export * from './account.store.ts'
export * from './account.ts'
export * from './vault.ts'
