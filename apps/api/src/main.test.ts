import { bootstrap } from '@understudy/control'
import { createUnderstudyClient, dataOf } from '@understudy/contract/client'
import { randomIds, systemClock } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { compileCache, createTestDatabase } from '@understudy/testing'
import type { TestDatabase } from '@understudy/testing'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const masterKey = Buffer.alloc(32, 1).toString('base64')
let testDatabase: TestDatabase
let rootKey: string
beforeAll(async () => {
  testDatabase = await createTestDatabase()
  const database = openDatabase({ url: testDatabase.url, clock: systemClock() })
  rootKey = (await bootstrap(database, systemClock(), randomIds))?.secret ?? ''
  await database.close()
})
afterAll(() => testDatabase.drop())

interface Process {
  readonly url: Promise<string>
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>
  kill(signal: NodeJS.Signals): void
}

/** The program as it is deployed: a process of its own. */
function startMain(env: Record<string, string>): Process {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'main.ts')], {
    env: { PATH: process.env['PATH'] ?? '', ...compileCache, ...env },
  })
  let output = ''
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) => child.once('exit', (code) => resolve({ code, errors })))
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const found = /"url":"(http[^"]+)"/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    })
    void ended.then(({ errors: text }) => reject(new Error(text)))
  })
  // Tests of a start that fails do not ask for it.
  url.catch(() => undefined)
  return { url, ended, kill: (signal) => void child.kill(signal) }
}

test('it serves, says that it is ready, and on SIGTERM ends in order with a stream open', async () => {
  const api = startMain({ DATABASE_URL: testDatabase.url, UNDERSTUDY_MASTER_KEY: masterKey, API_PORT: '0' })
  const baseUrl = await api.url
  const client = createUnderstudyClient({ baseUrl, apiKey: rootKey })
  const ready = await dataOf(client.GET('/readyz'))
  expect(ready).toMatchObject({ status: 'ready', checks: { database: { ok: true } } })
  const made = await client.POST('/v1/projects', { body: { name: 'made over the wire' } })
  expect(made.response.status).toBe(201)
  const metrics = await fetch(`${baseUrl}/metrics`)
  expect(metrics.headers.get('content-type')).toContain('text/plain')
  expect(await metrics.text()).toContain('understudy_http_request_seconds_count{method="POST",route="/v1/projects",status="201"} 1')
  const stream = (await client.open('/v1/events', { accept: 'text/event-stream' })).text()
  api.kill('SIGTERM')
  expect(await api.ended).toMatchObject({ code: 0, errors: '' })
  expect(await stream).toContain('retry:')
})

test('a configuration that is not valid, a database that does not answer, and a port that is taken end it with one clear text', async () => {
  const invalid = await startMain({ DATABASE_URL: 'nonsense', API_PORT: 'x' }).ended
  expect(invalid.code).toBe(1)
  expect(invalid.errors).toMatch(
    /^The API cannot start\. The configuration is not valid:\n {2}DATABASE_URL: .*\n {2}UNDERSTUDY_MASTER_KEY: is required\n {2}API_PORT: .*\n$/,
  )

  const unreachable = await startMain({ DATABASE_URL: 'postgresql://nobody:secret@127.0.0.1:9/none', UNDERSTUDY_MASTER_KEY: masterKey }).ended
  expect(unreachable.code).toBe(1)
  expect(unreachable.errors).toMatch(/^The API cannot start\. /)
  expect(unreachable.errors).not.toMatch(/secret|node_modules/)

  const first = startMain({ DATABASE_URL: testDatabase.url, UNDERSTUDY_MASTER_KEY: masterKey, API_PORT: '0' })
  const { port } = new URL(await first.url)
  const second = await startMain({ DATABASE_URL: testDatabase.url, UNDERSTUDY_MASTER_KEY: masterKey, API_PORT: port }).ended
  expect(second.code).toBe(1)
  expect(second.errors).toContain('set API_PORT to another port')
  first.kill('SIGINT')
  expect((await first.ended).code).toBe(0)
})
