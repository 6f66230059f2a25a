import { recoveryClouds } from './clouds/index.ts'

export interface RecoveryMatrixConfig {
  /** Kill at every moment, not only at the sample of `npm test`. */
  readonly all: boolean
  /** Of one cloud only, by the name of its adapter. */
  readonly cloud: string | undefined
  /** Of scenarios whose title has these words only. */
  readonly scenario: string
  /** How many worlds there are beside each other. Each has a worker process. */
  readonly parallel: number
}

export function recoveryMatrixConfig(env: Readonly<Record<string, string | undefined>> = process.env): RecoveryMatrixConfig {
  const cloud = env['CRASH_MATRIX_CLOUD']
  const names = recoveryClouds.map(({ cloud: { name } }) => name)
  if (cloud !== undefined && !names.includes(cloud)) throw new Error(`There is no cloud ${cloud}. Take one of ${names.join(', ')}.`)
  return {
    all: env['CRASH_MATRIX'] === 'all',
    cloud,
    scenario: env['CRASH_MATRIX_SCENARIO'] ?? '',
    parallel: Number(env['CRASH_MATRIX_PARALLEL'] ?? '4'),
  }
}
