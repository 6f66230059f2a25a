/** What the test run takes from its environment. */
export interface TestEnvironment {
  readonly redisUrl: string | undefined
  readonly path: string
}

export const readTestEnvironment = (): TestEnvironment => ({
  redisUrl: process.env['REDIS_URL'] === '' ? undefined : process.env['REDIS_URL'],
  path: process.env['PATH'] ?? '',
})
