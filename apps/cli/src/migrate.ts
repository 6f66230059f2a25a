import { migrate } from '@understudy/persistence/migrate'
import type { CliConfig } from './config.ts'

/** Applies what is missing; for deployments, where it runs before the services. */
export async function migrateCommand(config: CliConfig, say: (line: string) => void): Promise<number> {
  if (config.DATABASE_URL === undefined) throw new Error('Set DATABASE_URL to the PostgreSQL server to migrate.')
  const { applied } = await migrate(config.DATABASE_URL)
  for (const name of applied) say(`applied ${name}`)
  if (applied.length === 0) say('nothing to apply')
  return 0
}
