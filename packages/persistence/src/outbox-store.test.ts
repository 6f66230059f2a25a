import type { OutboxMessage } from '@understudy/control'
import { randomIds } from '@understudy/core'
import { beforeEach, expect, test } from 'vitest'
import { later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const outbox = () => connection.database.stores.outbox
const claim = (at: Date, limit = 100) => outbox().claim({ limit, at, leaseMs: 10_000 })

const aMessage = (overrides: Partial<OutboxMessage> = {}): OutboxMessage => {
  const id = overrides.id ?? randomIds.next('event')
  return { id, topic: 'operations.wake', key: id, payload: { operationId: 'op_1' }, priority: 20, createdAt: start, ...overrides }
}

beforeEach(async () => {
  await (await connection.client()).query('delete from outbox_messages')
})

test('the most urgent come first, then the oldest, with every field', async () => {
  const [low, old, urgent] = [aMessage({ createdAt: later(1) }), aMessage(), aMessage({ priority: 1, createdAt: later(2), payload: null })] as const
  await outbox().append([low, old, urgent])
  expect(await claim(start)).toEqual([urgent, old, low])
})

test('one that is taken comes back when its lease has run out, and not after it was removed', async () => {
  const message = aMessage()
  await outbox().append([message])
  expect(await claim(start)).toEqual([message])
  expect(await claim(later(9_999))).toEqual([])
  expect(await claim(later(10_000))).toEqual([message])
  await outbox().remove([message.id])
  expect(await claim(later(60_000))).toEqual([])
})

test('a message is never given to two of many who claim at once', async () => {
  const messages = Array.from({ length: 200 }, () => aMessage())
  await outbox().append(messages)
  const claims = await Promise.all(Array.from({ length: 10 }, () => claim(start, 30)))
  const taken = claims.flat().map(({ id }) => id)
  expect(new Set(taken).size).toBe(taken.length)
  // Whoever found a row locked went on to others: nobody came back with less than there was to take.
  expect(taken).toHaveLength(200)
})

test('those with one topic and key that wait together are delivered once, as the most urgent of them', async () => {
  await outbox().append([
    aMessage({ key: 'k', priority: 20 }),
    aMessage({ key: 'k', priority: 1, id: 'urgent' }),
    aMessage({ key: 'k', priority: 5 }),
    aMessage({ key: 'k', topic: 'other', id: 'other' }),
  ])
  expect((await claim(start)).map(({ id }) => id)).toEqual(['urgent', 'other'])
  expect(await claim(later(20_000))).toHaveLength(2)
})

test('one that is written while another with its key is being delivered is delivered too', async () => {
  await outbox().append([aMessage({ key: 'k' })])
  await claim(start)
  await outbox().append([aMessage({ key: 'k', id: 'newer' })])
  expect((await claim(start)).map(({ id }) => id)).toEqual(['newer'])
})

test('the age of the oldest is told, and is zero when none waits', async () => {
  expect(await outbox().oldestAgeMs(later(500))).toBe(0)
  await outbox().append([aMessage({ createdAt: later(100) }), aMessage({ createdAt: later(300) })])
  expect(await outbox().oldestAgeMs(later(500))).toBe(400)
})

test('a message of a transaction that fails is not there', async () => {
  const failing = connection.database.transaction(async (stores) => {
    await stores.outbox.append([aMessage()])
    throw new Error('the change failed')
  })
  await expect(failing).rejects.toThrow('the change failed')
  expect(await claim(start)).toEqual([])
})
