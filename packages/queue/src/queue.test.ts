import { Secret, systemClock } from '@understudy/core'
import type { Clock } from '@understudy/core'
import { createTestDatabase, startTestRedis, testRedisUrl, unusedPort } from '@understudy/testing'
import type { TestDatabase, TestRedis } from '@understudy/testing'
import { Redis } from 'ioredis'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { QueueBackend } from './backend.ts'
import type { JobHandlers } from './catalogue.ts'
import { openQueue } from './queue.ts'
import type { OpenQueue } from './queue.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(async () => database.drop())

const backends: { readonly name: string; readonly backend: () => QueueBackend; readonly missing: () => boolean }[] = [
  { name: 'postgres', backend: () => ({ kind: 'postgres', url: new Secret(database.url) }), missing: () => false },
  { name: 'redis', backend: () => ({ kind: 'redis', url: new Secret(testRedisUrl() ?? '') }), missing: () => testRedisUrl() === undefined },
]

const clock = systemClock()
const nobody: JobHandlers = { 'operations.wake': () => undefined, 'reconcile.wake': () => undefined }

async function withQueue(
  backend: QueueBackend,
  run: (queue: OpenQueue, errors: unknown[]) => Promise<void>,
  options: { readonly clock?: Clock } = {},
): Promise<void> {
  const errors: unknown[] = []
  const queue = await openQueue({ backend, clock: options.clock ?? clock, prefix: randomUUID(), onError: (error) => errors.push(error) })
  try {
    await run(queue, errors)
  } finally {
    await queue.close()
  }
}

describe.each(backends)('the queue on $name', ({ backend, missing }) => {
  test('delivers a ring to the handler of its name, with its payload', async ({ skip }) => {
    skip(missing())
    await withQueue(backend(), async (queue) => {
      const woken: string[] = []
      await queue.consume({ ...nobody, 'reconcile.wake': ({ name }) => void woken.push(name) })
      queue.bell.ring('reconcile.wake', { key: 'shadows', payload: { name: 'shadows' }, priority: 20 })
      await vi.waitFor(() => expect(woken).toEqual(['shadows']), { timeout: 60_000 })
    })
  })

  test('hears equal keys of one turn once', async ({ skip }) => {
    skip(missing())
    await withQueue(backend(), async (queue) => {
      const woken: string[] = []
      await queue.consume({ ...nobody, 'reconcile.wake': ({ name }) => void woken.push(name) })
      for (const name of ['a', 'a', 'a', 'b']) queue.bell.ring('reconcile.wake', { key: name, payload: { name }, priority: 20 })
      await vi.waitFor(() => expect(woken).toContain('b'), { timeout: 60_000 })
      expect(woken.toSorted()).toEqual(['a', 'b'])
    })
  })

  test('serves the most urgent first', async ({ skip }) => {
    skip(missing())
    await withQueue(backend(), async (queue) => {
      await queue.deliver([60, 20, 1].map((priority) => ({ topic: 'reconcile.wake', payload: { name: String(priority) }, priority })))
      const order: string[] = []
      await queue.consume({ ...nobody, 'reconcile.wake': ({ name }) => void order.push(name) }, { concurrency: 1 })
      await vi.waitFor(() => expect(order).toHaveLength(3), { timeout: 60_000 })
      expect(order).toEqual(['1', '20', '60'])
    })
  })

  test('refuses to consume while a job has no handler', async ({ skip }) => {
    skip(missing())
    await withQueue(backend(), async (queue) => {
      const incomplete = { 'operations.wake': () => undefined } as unknown as JobHandlers
      await expect(queue.consume(incomplete)).rejects.toThrow('no handler for reconcile.wake')
    })
  })

  test('reports a topic that no job has, and delivers the others', async ({ skip }) => {
    skip(missing())
    await withQueue(backend(), async (queue, errors) => {
      const woken: string[] = []
      await queue.consume({ ...nobody, 'reconcile.wake': ({ name }) => void woken.push(name) })
      await queue.deliver([
        { topic: 'no.such.job', payload: {}, priority: 1 },
        { topic: 'reconcile.wake', payload: { name: 'known' }, priority: 1 },
      ])
      await vi.waitFor(() => expect(woken).toEqual(['known']), { timeout: 60_000 })
      expect(String(errors[0])).toContain('no.such.job')
    })
  })

  test('delivers again what a handler failed on', async ({ skip }) => {
    skip(missing())
    await withQueue(backend(), async (queue) => {
      let calls = 0
      await queue.consume({
        ...nobody,
        'operations.wake': () => {
          calls += 1
          if (calls === 1) throw new Error('the first time goes wrong')
        },
      })
      queue.bell.ring('operations.wake', { key: 'one', payload: {}, priority: 1 })
      await vi.waitFor(() => expect(calls).toBe(2), { timeout: 60_000 })
    })
  })

  test('waits for the handlers under way before it is drained', async ({ skip }) => {
    skip(missing())
    await withQueue(backend(), async (queue) => {
      const gate = Promise.withResolvers<void>()
      let state = 'waiting'
      await queue.consume({
        ...nobody,
        'operations.wake': async () => {
          state = 'begun'
          await gate.promise
          state = 'done'
        },
      })
      queue.bell.ring('operations.wake', { key: 'one', payload: {}, priority: 1 })
      await vi.waitFor(() => expect(state).toBe('begun'), { timeout: 60_000 })
      const drained = queue.drain()
      gate.resolve()
      await drained
      expect(state).toBe('done')
    })
  })

  test('is well while empty, and not well when jobs wait and nothing is consumed', async ({ skip }) => {
    skip(missing())
    let nowMs = 0
    const frozen: Clock = { nowMs: () => nowMs, schedule: (delayMs, fire) => clock.schedule(delayMs, fire) }
    await withQueue(
      backend(),
      async (queue) => {
        const gate = Promise.withResolvers<void>()
        try {
          let taken = 0
          const hold = (): Promise<void> => {
            taken += 1
            return gate.promise
          }
          await queue.consume({ ...nobody, 'operations.wake': hold }, { concurrency: 1 })
          expect(await queue.health()).toMatchObject({ ok: true, waiting: 0 })
          await queue.deliver(Array.from({ length: 3 }, () => ({ topic: 'operations.wake', payload: {}, priority: 1 })))
          await vi.waitFor(() => expect(taken).toBe(1), { timeout: 60_000 })
          nowMs = 60_000
          const health = await queue.health()
          expect(health.ok).toBe(false)
          expect(health.reason).toMatch(/^[12] jobs wait and nothing was consumed for 60 s$/)
        } finally {
          // Whatever went wrong, closing waits for the handler.
          gate.resolve()
        }
      },
      { clock: frozen },
    )
  })
})

describe.skipIf(testRedisUrl() === undefined)('a Redis that forgets', () => {
  test('goes on delivering after everything in it was flushed', async () => {
    const redis = await startTestRedis()
    if (!redis) return
    try {
      await withQueue({ kind: 'redis', url: new Secret(redis.url) }, async (queue) => {
        const woken: string[] = []
        await queue.consume({ ...nobody, 'reconcile.wake': ({ name }) => void woken.push(name) })
        queue.bell.ring('reconcile.wake', { key: 'before', payload: { name: 'before' }, priority: 1 })
        await vi.waitFor(() => expect(woken).toEqual(['before']), { timeout: 60_000 })
        const client = new Redis(redis.url)
        await client.flushall()
        client.disconnect()
        queue.bell.ring('reconcile.wake', { key: 'after', payload: { name: 'after' }, priority: 1 })
        await vi.waitFor(() => expect(woken).toEqual(['before', 'after']), { timeout: 60_000 })
      })
    } finally {
      await redis.stop()
    }
  })
})

describe.skipIf(testRedisUrl() === undefined)('a Redis that is away', () => {
  test('keeps nobody from starting or stopping, says that it is away, and is used when it comes', async () => {
    const port = await unusedPort()
    let redis: TestRedis | undefined
    try {
      await withQueue({ kind: 'redis', url: new Secret(`redis://127.0.0.1:${port}`) }, async (queue) => {
        const woken: string[] = []
        await queue.consume({ ...nobody, 'reconcile.wake': ({ name }) => void woken.push(name) })
        expect(await queue.health()).toMatchObject({ ok: false, reason: expect.stringContaining('does not answer') })
        await expect(queue.deliver([{ topic: 'reconcile.wake', payload: { name: 'early' }, priority: 1 }])).rejects.toThrow(/not connected/)
        redis = await startTestRedis({ port })
        await queue.ready()
        await queue.deliver([{ topic: 'reconcile.wake', payload: { name: 'late' }, priority: 1 }])
        await vi.waitFor(() => expect(woken).toEqual(['late']), { timeout: 60_000 })
        expect(await queue.health()).toMatchObject({ ok: true })
        await redis?.stop()
        await vi.waitFor(async () => expect(await queue.health()).toMatchObject({ ok: false }), { timeout: 60_000 })
      })
    } finally {
      await redis?.stop()
    }
  })
})
