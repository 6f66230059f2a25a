import { migrate } from '@understudy/persistence/migrate'
import type { TestProject } from 'vitest/node'
import { removeStaleTestPostgres, startTestPostgres } from '../postgres/test-postgres.ts'
import { administer, databaseUrl, templateDatabase } from '../postgres/test-database.ts'
import { findTestRedis, removeStaleTestRedis } from '../redis/test-redis.ts'

/** Runs once before the test files that need servers: one PostgreSQL with a migrated template, and a Redis where there is one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeStaleTestPostgres()
  await removeStaleTestRedis()
  const postgres = await startTestPostgres({ connectionsMax: 400 })
  const redis = await findTestRedis()
  await administer(postgres.url, `create database ${templateDatabase}`)
  await migrate(databaseUrl(postgres.url, templateDatabase))
  project.provide('postgresUrl', postgres.url)
  project.provide('redisUrl', redis?.url ?? null)
  return async () => {
    await redis?.stop()
    await postgres.stop()
  }
}
