/**
 * `npm run new-migration -- <name>`: writes prisma/migrations/<time>_<name>/migration.sql with the SQL that brings a database with
 * all earlier migrations to prisma/schema.prisma. Read it before you commit it: data, partial indexes, checks and triggers are
 * yours to add. The comparison runs on an empty PostgreSQL of its own.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@understudy/persistence/embedded'
import { diffMigrations } from '@understudy/persistence/migrate'

const prisma = join(import.meta.dirname, '..', 'prisma')
const [name] = process.argv.slice(2)
if (name === undefined || !/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error('Usage: npm run new-migration -- <name>, for example add_shadow_zone (lower case, digits and _).')
  process.exit(2)
}

const directory = await mkdtemp(join(tmpdir(), 'understudy-migration-'))
const server = await startEmbeddedPostgres({ directory, durability: 'throwaway' })
try {
  const sql = await diffMigrations(server.url, await readFile(join(prisma, 'schema.prisma'), 'utf8'))
  if (sql === undefined) console.log('The schema has not changed since the last migration.')
  else {
    const time = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
    const folder = join(prisma, 'migrations', `${time}_${name}`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'migration.sql'), sql)
    await writeFile(join(prisma, 'migrations', 'migration_lock.toml'), 'provider = "postgresql"\n')
    console.log(`Written: prisma/migrations/${time}_${name}/migration.sql`)
  }
} finally {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
}
