import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep, systemClock } from '@understudy/core'
import { expect, test } from 'vitest'
import { hasRedisServer, removeStaleTestRedis } from './test-redis.ts'

test('the Redis of a test run that was killed is stopped and its directory removed', async (context) => {
  if (!(await hasRedisServer())) return context.skip('redis-server is not installed')
  const owner = spawn('true')
  await once(owner, 'exit')
  const directory = await mkdtemp(join(tmpdir(), `understudy-redis-${owner.pid}-`))
  const flags = [
    '--port',
    '0',
    '--unixsocket',
    join(directory, 'socket'),
    '--dir',
    directory,
    '--pidfile',
    join(directory, 'pid'),
    '--set-proc-title',
    'no',
    '--save',
    '',
  ]
  const orphan = spawn('redis-server', flags, { stdio: 'ignore' })
  const hasExited = once(orphan, 'exit')
  while ((await readFile(join(directory, 'pid'), 'utf8').catch(() => '')) === '') await sleep(systemClock({ keepAlive: true }), 10)
  await removeStaleTestRedis()
  await hasExited
  expect(orphan.signalCode).toBe('SIGKILL')
  expect(existsSync(directory)).toBe(false)
})
