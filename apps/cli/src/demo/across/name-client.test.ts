import { expect, test, vi } from 'vitest'
import { nameClient } from './name-client.ts'
import type { SimulatedClouds } from './simulated-clouds.ts'

/** A name server whose answer is changed, and that can fail. */
function namesOf(ttlSeconds: number) {
  const server = { address: 'a', isDown: false }
  const clouds: Pick<SimulatedClouds, 'resolve' | 'urlOf'> = {
    resolve: () => (server.isDown ? Promise.reject(new Error('SERVFAIL')) : Promise.resolve({ address: server.address, ttlSeconds })),
    urlOf: (address) => Promise.resolve(`http://${address}`),
  }
  return { server, client: nameClient(clouds, 'www.example.com.') }
}

test('an answer is kept as long as it says and no longer, and one look-up serves all who wait for it', async () => {
  const { server, client } = namesOf(0.05)
  expect(await Promise.all([client.target(), client.target()])).toEqual(['http://a', 'http://a'])
  server.address = 'b'
  expect(await client.target()).toBe('http://a')
  expect(client.lookups()).toBe(1)
  await vi.waitUntil(async () => (await client.target()) === 'http://b', { interval: 5, timeout: 60_000 })
  expect(client.lookups()).toBe(2)
})

test('a look-up that fails is no answer: the next request asks again', async () => {
  const { server, client } = namesOf(60)
  server.isDown = true
  await expect(client.target()).rejects.toThrow('SERVFAIL')
  server.isDown = false
  expect(await client.target()).toBe('http://a')
})
