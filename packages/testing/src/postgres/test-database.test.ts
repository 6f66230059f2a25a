import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import type { TestDatabase } from './test-database.ts'
import { createTestDatabase } from './test-database.ts'

const made: TestDatabase[] = []
afterEach(async () => {
  for (const database of made.splice(0)) await database.drop()
})

async function connect(): Promise<pg.Client> {
  const database = await createTestDatabase()
  made.push(database)
  const client = new pg.Client(database.url)
  client.on('error', () => undefined) // `drop` ends it from the other side.
  await client.connect()
  return client
}

test('a test database has every migration applied', async () => {
  const folders = await readdir(join(import.meta.dirname, '../../../../prisma/migrations'), { withFileTypes: true })
  const client = await connect()
  const { rows } = await client.query<{ name: string }>(
    'select migration_name as name from _prisma_migrations where finished_at is not null order by 1',
  )
  expect(rows.map((row) => row.name)).toEqual(
    folders
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .toSorted(),
  )
  await client.end()
})

test('two test databases do not see each other', async () => {
  const [one, other] = await Promise.all([connect(), connect()])
  await one.query('create table mark (id int)')
  const { rows } = await other.query<{ found: string | null }>(`select to_regclass('mark') as found`)
  expect(rows[0]?.found).toBeNull()
  await Promise.all([one.end(), other.end()])
})

test('dropping a database ends the connections that were left open', async () => {
  const client = await connect()
  const hasEnded = new Promise((resolve) => client.once('end', resolve))
  await made.pop()?.drop()
  await hasEnded
  await expect(client.query('select 1')).rejects.toThrow()
})
