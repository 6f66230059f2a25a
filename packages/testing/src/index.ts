export * from './in-flight.ts'
export * from './postgres/index.ts'
export * from './redis/index.ts'
export * from './saga-laws/index.ts'
