export { ForecastError } from '../errors.ts'
export * from './forecast-pool.ts'
export type { ForecastTask } from './task.ts'
