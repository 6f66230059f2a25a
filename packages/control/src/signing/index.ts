export * from './sign.ts'
export * from './signing-key.store.ts'
export * from './signing-key.ts'
export * from './signing-keys.ts'
