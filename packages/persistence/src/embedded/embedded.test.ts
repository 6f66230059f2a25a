import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@understudy/core'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { explainFailure } from './failures.ts'
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from './index.ts'
import { startEmbeddedPostgres } from './index.ts'

let directory: string
const servers: EmbeddedPostgres[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'understudy-embedded-'))
  await chmod(directory, 0o755)
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  // A server whose owner has just been ended may still write.
  await rm(directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })
})

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory, durability: 'throwaway', ...options })
  servers.push(server)
  return server
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

test('the next start finds its data at the same URL', async () => {
  const first = await start()
  await query(first.url, 'create table kept as select 42 as answer')
  await first.stop()
  const second = await start()
  expect(second.url).toBe(first.url)
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('a directory that only its owner may enter works too', async () => {
  await chmod(directory, 0o700)
  const server = await start()
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('the data directory and the password are for its owner only, and the password is required', async () => {
  const server = await start()
  const wrong = new URL(server.url)
  wrong.password = 'guess'
  await expect(query(wrong.href, 'select 1')).rejects.toThrow('password authentication failed')
})

test('a committed row survives a crash of the server', async () => {
  const server = await start({ durability: 'durable' })
  await query(server.url, 'create table kept as select 42 as answer')
  await server.restart('crash')
  expect(await query(server.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('a server that dies is reported; one that is stopped is not', async () => {
  const reasons: AppError[] = []
  let report: () => void = () => undefined
  const isReported = new Promise<void>((resolve) => (report = resolve))
  const onUnexpectedExit = (reason: AppError): void => {
    reasons.push(reason)
    report()
  }
  const server = await start({ onUnexpectedExit })
  await server.restart()
  expect(reasons).toEqual([])
  process.kill(server.pid, 'SIGQUIT')
  await isReported
  expect(reasons[0]?.message).toContain('postgres.log')
})

test('a port that was asked for and is taken is refused with its number', async () => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  const address = blocker.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await expect(start({ port })).rejects.toThrow(`Port ${port} on 127.0.0.1 is taken`)
  blocker.close()
})

test('a remembered port that somebody took meanwhile is replaced by a free one', async () => {
  const first = await start()
  await first.stop()
  const blocker = createServer().listen(first.port, '127.0.0.1')
  await once(blocker, 'listening')
  const second = await start()
  expect(second.port).not.toBe(first.port)
  blocker.close()
})

test('data of another PostgreSQL version is refused and left alone', async () => {
  await (await start()).stop()
  await writeFile(join(directory, 'data', 'PG_VERSION'), '14\n')
  await expect(start()).rejects.toThrow(/is of PostgreSQL 14; this release brings PostgreSQL 18/)
  expect(await readFile(join(directory, 'data', 'PG_VERSION'), 'utf8')).toBe('14\n')
})

test('a postmaster.pid whose number belongs to another program now does not stop a start', async () => {
  const first = await start()
  await first.stop()
  await writeFile(join(directory, 'data', 'postmaster.pid'), `${process.pid}\n${join(directory, 'data')}\n0\n1\n\n\n`)
  const second = await start()
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a directory in use by another living process is refused with its number', async () => {
  const holder = await startElsewhere()
  await expect(start()).rejects.toThrow(`Another Understudy (process ${holder.pid}) already uses`)
  holder.kill('SIGTERM')
  await once(holder, 'exit')
})

test('the server of a process that was killed is taken over', async () => {
  const holder = await startElsewhere()
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const server = await start()
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a full disk, foreign files and unknown failures are each explained in one line', async () => {
  const attempt = { directory: '/data', logFile: '/data/postgres.log', port: 5432 }
  expect(explainFailure('FATAL:  could not write lock file: No space left on device', attempt).message).toMatch(/disk that holds \/data is full/)
  expect(explainFailure('FATAL:  something new', attempt).message).toMatch(/did not start: something new\. Its log is \/data\/postgres\.log/)
  await writeFile(join(directory, 'data'), '')
  const error = await start().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(AppError)
  expect(String(error)).not.toContain('\n')
})

/** Another process that starts a server on our directory and then waits. */
async function startElsewhere(): Promise<ReturnType<typeof spawn>> {
  const script = `
    import { startEmbeddedPostgres } from '${join(import.meta.dirname, 'index.ts')}'
    await startEmbeddedPostgres({ directory: '${directory}', durability: 'throwaway' })
    process.on('SIGTERM', () => process.exit(0))
    console.log('ready')
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}
