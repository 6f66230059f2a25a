import { isAppError } from '@understudy/core'
import { migrate } from '@understudy/persistence/migrate'
import type { TestProject } from 'vitest/node'
import { removeStaleTestPostgres, startTestPostgres } from '../postgres/test-postgres.ts'
import { administer, databaseUrl, templateDatabase } from '../postgres/test-database.ts'
import { findTestRedis, removeStaleTestRedis } from '../redis/test-redis.ts'

interface Servers {
  readonly postgresUrl: string
  readonly redisUrl: string | null
  stop(): Promise<void>
}

/** Every project loads this file anew, in one process: what they share cannot be kept in a variable of the module. */
const shared = globalThis as { understudyTestServers?: { users: number; readonly servers: Promise<Servers> } }

/**
 * Runs before the test files of each project that needs servers. The first starts one PostgreSQL with a migrated template, and a
 * Redis where there is one; the last to end stops them. Prisma's schema engine migrates one database at a time in a process.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const use = (shared.understudyTestServers ??= { users: 0, servers: startServers() })
  use.users += 1
  const servers = await use.servers
  project.provide('postgresUrl', servers.postgresUrl)
  project.provide('redisUrl', servers.redisUrl)
  return async () => {
    use.users -= 1
    if (use.users > 0) return
    delete shared.understudyTestServers
    await servers.stop()
  }
}

async function startServers(): Promise<Servers> {
  await removeStaleTestPostgres()
  await removeStaleTestRedis()
  const postgres = await startTestPostgres({ connectionsMax: 400 })
  const redis = await findTestRedis()
  await administer(postgres.url, `create database ${templateDatabase}`)
  await migratePatiently(databaseUrl(postgres.url, templateDatabase))
  return {
    postgresUrl: postgres.url,
    redisUrl: redis?.url ?? null,
    async stop() {
      await redis?.stop()
      await postgres.stop()
    },
  }
}

/** A machine that is busy may keep us from a server that is there: no test runs without this. */
async function migratePatiently(url: string): Promise<void> {
  for (let left = 5; ; left -= 1) {
    try {
      await migrate(url)
      return
    } catch (error) {
      if (left === 0 || !isAppError(error, 'unavailable')) throw error
    }
  }
}
