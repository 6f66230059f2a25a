import type { MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm'
import { AppError, isAppError } from '@understudy/core'
import pg from 'pg'
import { checkServer } from './check-server.ts'
import { migrationsDirectory, readMigrations } from './migration-files.ts'
import { openSchemaEngine } from './schema-engine.ts'

/** Any constant works that nobody else locks: the first bytes of "understudy". */
const advisoryLock = 0x756e6465

export interface MigrateOptions {
  /** Where the migration folders are; the project's own by default. */
  readonly directory?: string
}

/**
 * Applies the migrations that the database does not have yet, in order, and returns their names. Doing it again applies nothing;
 * several processes that do it at the same time wait for one another. A migration is one transaction: one that failed, or whose
 * process died, is tried again the next time. Throws `unavailable` when the server cannot be used, and `conflict` when a
 * migration fails or one that was applied has been edited since.
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<{ applied: string[] }> {
  await checkServer(databaseUrl)
  const migrationsList = await readMigrations(options.directory ?? migrationsDirectory)
  return withAdvisoryLock(databaseUrl, async () => {
    const { engine, close } = await openSchemaEngine(databaseUrl)
    try {
      await refuseEdited(engine, migrationsList)
      const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: nothingFiltered })
      return { applied: appliedMigrationNames }
    } catch (error) {
      throw isAppError(error) ? error : failed(error)
    } finally {
      await close()
    }
  })
}

export const nothingFiltered = { externalTables: [], externalEnums: [] }

/** Also clears the mark of a migration that failed earlier, because the engine applies nothing while there is one. */
async function refuseEdited(engine: SchemaEngine, migrationsList: MigrationList): Promise<void> {
  const found = await engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters: nothingFiltered })
  for (const migrationName of found.failedMigrationNames) await engine.markMigrationRolledBack({ migrationName })
  const [edited] = found.editedMigrationNames.filter((name) => !found.failedMigrationNames.includes(name))
  if (edited === undefined) return
  throw new AppError(
    'conflict',
    `The migration ${edited} was applied to this database and has been edited since. Put its old text back and add a new migration, ` +
      'or start with an empty database.',
  )
}

/** The engine's message is PostgreSQL's, followed by its own call stack; the first two lines are for people. */
function failed(cause: unknown): AppError {
  if (cause instanceof Error && 'code' in cause && cause.code === 'P3005') {
    return new AppError('conflict', 'The database is not empty and its tables are not ours. Set DATABASE_URL to an empty database.', { cause })
  }
  const text = cause instanceof Error ? cause.message : String(cause)
  const name = /migration_name="([^"]+)"/.exec(text)?.[1]
  const reason = /ERROR: ([^\n]+)/.exec(text)?.[1] ?? text.split('\n')[0]
  const which = name === undefined ? 'A migration' : `The migration ${name}`
  return new AppError('conflict', `${which} failed and changed nothing: ${reason}. Remove the cause and migrate again.`, { cause })
}

/** The lock belongs to one connection, so a process that dies gives it back. */
async function withAdvisoryLock<T>(databaseUrl: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [advisoryLock])
    return await work()
  } finally {
    await client.end()
  }
}
