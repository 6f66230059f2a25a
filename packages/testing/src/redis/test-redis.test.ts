import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { startTestRedis, testRedisUrl } from './index.ts'

async function ask(url: string, command: string): Promise<string> {
  const { port, hostname } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname })
  socket.end(`${command}\r\nQUIT\r\n`)
  return text(socket)
}

test('a Redis of one’s own never evicts, and stops', async (context) => {
  const redis = await startTestRedis()
  if (redis === undefined) return context.skip('redis-server is not installed')
  expect(await ask(redis.url, 'CONFIG GET maxmemory-policy')).toContain('noeviction')
  await redis.stop()
  await expect(ask(redis.url, 'PING')).rejects.toThrow('ECONNREFUSED')
})

test('the Redis of the run answers where there is one', async (context) => {
  const url = testRedisUrl()
  if (url === undefined) return context.skip('no Redis')
  expect(await ask(url, 'PING')).toContain('+PONG')
})
