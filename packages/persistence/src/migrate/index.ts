export { checkServer, postgresMajorMin } from './check-server.ts'
export type { ServerFacts } from './check-server.ts'
export { migrate } from './migrate.ts'
export type { MigrateOptions } from './migrate.ts'
