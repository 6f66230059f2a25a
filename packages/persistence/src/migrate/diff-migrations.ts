import { migrationsDirectory, readMigrations } from './migration-files.ts'
import { nothingFiltered } from './migrate.ts'
import { openSchemaEngine } from './schema-engine.ts'

/**
 * The SQL from "all migrations applied" to `schema` (the text of schema.prisma), or undefined when there is no difference.
 * The engine applies the migrations in a second database that it makes on `serverUrl` and removes afterwards.
 */
export async function diffMigrations(serverUrl: string, schema: string, directory: string = migrationsDirectory): Promise<string | undefined> {
  const migrations = await readMigrations(directory)
  const { engine, close } = await openSchemaEngine(serverUrl, [['schema.prisma', schema]])
  try {
    const { stdout } = await engine.diff({
      from: { tag: 'migrations', ...migrations },
      to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schema }] },
      script: true,
      exitCode: null,
      filters: nothingFiltered,
    })
    const statements = stdout?.trim() ?? ''
    return statements === '' || statements.startsWith('-- This is an empty migration') ? undefined : `${statements}\n`
  } finally {
    await close()
  }
}
