import { clouds } from './clouds/index.ts'

export interface CrashMatrixConfig {
  /** Kill at every moment, not only at the sample of `npm test`. */
  readonly all: boolean
  /** Of one cloud only, by the name of its adapter. */
  readonly cloud: string | undefined
  /** Of failovers whose title has these words only. */
  readonly failover: string
  /** How many failovers' matrices run beside each other. Each has a worker process. */
  readonly parallel: number
}

export function crashMatrixConfig(env: Readonly<Record<string, string | undefined>> = process.env): CrashMatrixConfig {
  const cloud = env['CRASH_MATRIX_CLOUD']
  if (cloud !== undefined && !clouds.some(({ name }) => name === cloud))
    throw new Error(`There is no cloud ${cloud}. Take one of ${clouds.map(({ name }) => name).join(', ')}.`)
  return {
    all: env['CRASH_MATRIX'] === 'all',
    cloud,
    failover: env['CRASH_MATRIX_FAILOVER'] ?? '',
    parallel: Number(env['CRASH_MATRIX_PARALLEL'] ?? '4'),
  }
}
