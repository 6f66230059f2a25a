import { bootstrap } from '@understudy/control'
import { AppError, randomIds, systemClock } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { migrate } from '@understudy/persistence/migrate'
import type { CliConfig } from './config.ts'

/** Applies what is missing; for deployments, where it runs before the services. The first time it also makes the admin key. */
export async function migrateCommand(config: CliConfig, say: (line: string) => void): Promise<number> {
  if (config.DATABASE_URL === undefined) throw new AppError('invalid_request', 'Set DATABASE_URL to the PostgreSQL server to migrate.')
  const { applied } = await migrate(config.DATABASE_URL)
  for (const name of applied) say(`applied ${name}`)
  if (applied.length === 0) say('nothing to apply')
  const database = openDatabase({ url: config.DATABASE_URL, clock: systemClock() })
  const made = await bootstrap(database, systemClock(), randomIds)
  await database.close()
  if (made) say(`The admin key of this installation, shown only now: ${made.secret}`)
  return 0
}
