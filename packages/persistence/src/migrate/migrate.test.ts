import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestPostgres } from '@understudy/testing'
import { startTestPostgres } from '@understudy/testing'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { checkServer, diffMigrations, migrate } from './index.ts'
import { prismaDirectory } from './migration-files.ts'

let server: TestPostgres
let directory: string
let client: pg.Client

beforeAll(async () => {
  server = await startTestPostgres()
})
afterAll(() => server.stop())

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'understudy-migrations-'))
  client = new pg.Client(server.url)
  await client.connect()
  await client.query('drop schema public cascade; create schema public')
  await write('migration_lock.toml', 'provider = "postgresql"')
  await write('1_first/migration.sql', 'create table first (id int primary key)')
})
afterEach(async () => {
  await client.end()
  await rm(directory, { recursive: true, force: true })
})

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(directory, path, '..'), { recursive: true })
  await writeFile(join(directory, path), text)
}

const run = (): Promise<{ applied: string[] }> => migrate(server.url, { directory })

async function has(table: string): Promise<boolean> {
  const { rows } = await client.query<{ found: string | null }>('select to_regclass($1) as found', [table])
  return rows[0]?.found !== null
}

test('applies what is missing, in order, and nothing the second time', async () => {
  await write('2_second/migration.sql', 'alter table first add name text')
  expect(await run()).toEqual({ applied: ['1_first', '2_second'] })
  expect(await run()).toEqual({ applied: [] })
  await write('3_third/migration.sql', 'create table third (id int)')
  expect(await run()).toEqual({ applied: ['3_third'] })
})

test('processes that migrate at the same time apply each migration once', async () => {
  const results = await Promise.all([run(), run(), run()])
  expect(results.flatMap((result) => result.applied)).toEqual(['1_first'])
})

test('a function body and a text with semicolons are one statement', async () => {
  await write(
    '2_trigger/migration.sql',
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'a; b'; end; $$;
     create trigger refuse before insert on first for each row execute function refuse();`,
  )
  await run()
  await expect(client.query('insert into first values (1)')).rejects.toThrow('a; b')
})

test('a migration that fails changes nothing, says why, and is tried again when the cause is gone', async () => {
  await run()
  await client.query('create table inTheWay (id int)')
  await write('2_second/migration.sql', 'create table second (id int);\ncreate table inTheWay (id int);')
  await expect(run()).rejects.toMatchObject({
    kind: 'conflict',
    message: expect.stringMatching(/^The migration 2_second failed.*already exists/) as unknown,
  })
  expect(await has('second')).toBe(false)
  await client.query('drop table inTheWay')
  expect(await run()).toEqual({ applied: ['2_second'] })
})

test('a migration whose process died half-way is tried again', async () => {
  await run()
  await write('2_second/migration.sql', 'create table second (id int)')
  await client.query(`insert into _prisma_migrations (id, checksum, migration_name, started_at) values ('x', 'x', '2_second', now())`)
  expect(await run()).toEqual({ applied: ['2_second'] })
})

test('a migration that was edited after it was applied is refused by name', async () => {
  await run()
  await write('1_first/migration.sql', 'create table first (id bigint primary key)')
  await expect(run()).rejects.toThrow(/1_first was applied to this database and has been edited since/)
})

test('a database with tables of somebody else is refused and left alone', async () => {
  await client.query('create table foreigner (id int)')
  await expect(run()).rejects.toThrow(/not empty and its tables are not ours/)
  expect(await has('first')).toBe(false)
})

test('a server that cannot be used is explained without the password', async () => {
  expect(await checkServer(server.url)).toMatchObject({ major: 18 })
  const explain = async (url: string): Promise<string> =>
    checkServer(url).then(
      () => 'usable',
      (error: Error) => error.message,
    )
  const wrongPassword = new URL(server.url)
  wrongPassword.password = 'hunter2'
  const messages = await Promise.all([
    explain('mysql://root:hunter2@localhost/x'),
    explain('postgresql://u:hunter2@127.0.0.1:1/x'),
    explain(wrongPassword.href),
    explain(`${server.url}_missing`),
  ])
  expect(messages).toEqual([
    expect.stringContaining('is not a PostgreSQL URL'),
    expect.stringContaining('Nothing listens at 127.0.0.1:1/x'),
    expect.stringContaining('refuses the user or the password'),
    expect.stringContaining('does not exist'),
  ])
  expect(messages.join()).not.toContain('hunter2')
})

test('the migrations of the project make what its schema says', async () => {
  const schema = await readFile(join(prismaDirectory, 'schema.prisma'), 'utf8')
  expect(await diffMigrations(server.url, schema)).toBeUndefined()
  const changed = `${schema}\nmodel Newcomer {\n  id String @id\n\n  @@map("newcomers")\n}\n`
  expect(await diffMigrations(server.url, changed)).toContain('CREATE TABLE "newcomers"')
  const { rows } = await client.query('select datname from pg_database where datname like $1', ['understudy_shadow_%'])
  expect(rows).toEqual([])
})
