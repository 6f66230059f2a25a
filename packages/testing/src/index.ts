export * from './postgres/index.ts'
export * from './redis/index.ts'
