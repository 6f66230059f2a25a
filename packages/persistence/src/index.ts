export { openDatabase } from './database.ts'
export type { DatabaseOptions } from './database.ts'
export type { DatabaseObservation, Observe } from './observe.ts'
