import { expect, test } from 'vitest'
import type { Outcome } from './write-batcher.ts'
import { WriteBatcher } from './write-batcher.ts'

/** A transaction that ends when the test says so. */
function aSlowFlush() {
  const batches: (readonly string[])[] = []
  const ends: (() => void)[] = []
  const started: (() => void)[] = []
  return {
    batches,
    flush(writes: readonly string[]): Promise<readonly Outcome[]> {
      batches.push(writes)
      return new Promise((resolve) => {
        ends.push(() => resolve(writes.map((write) => ({ ok: true, value: `${write} done` }))))
        started.shift()?.()
      })
    },
    /** Resolves when the next batch has begun. */
    nextBegins: () => new Promise<void>((resolve) => started.push(resolve)),
    endNext: () => ends.shift()?.(),
  }
}

test('writes of one turn go together, those that come meanwhile go together after them, each with its own answer', async () => {
  const slow = aSlowFlush()
  const batcher = new WriteBatcher<string>({ flush: (writes) => slow.flush(writes), batchMax: 100, isDivisible: () => false })
  const firstBegins = slow.nextBegins()
  const first = [batcher.submit('a'), batcher.submit('b')]
  await firstBegins
  const second = [batcher.submit('c'), batcher.submit('d')]
  expect(slow.batches).toEqual([['a', 'b']])
  const secondBegins = slow.nextBegins()
  slow.endNext()
  expect(await Promise.all(first)).toEqual(['a done', 'b done'])
  await secondBegins
  expect(slow.batches).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
  slow.endNext()
  expect(await Promise.all(second)).toEqual(['c done', 'd done'])
})

test('a batch is never larger than allowed, and the order is kept', async () => {
  const batches: (readonly number[])[] = []
  const batcher = new WriteBatcher<number>({
    flush: async (writes) => {
      batches.push(writes)
      return writes.map(() => ({ ok: true, value: undefined }))
    },
    batchMax: 3,
    isDivisible: () => false,
  })
  await Promise.all([1, 2, 3, 4, 5, 6, 7].map((write) => batcher.submit(write)))
  expect(batches).toEqual([[1, 2, 3], [4, 5, 6], [7]])
})

const refusing = (refused: string, error: Error) => async (writes: readonly string[]) => {
  if (writes.includes(refused)) throw error
  return writes.map((write): Outcome => ({ ok: true, value: write }))
}

test('when a batch fails for one of its writes, only that one fails', async () => {
  const batcher = new WriteBatcher<string>({ flush: refusing('d', new Error('check violated')), batchMax: 100, isDivisible: () => true })
  const results = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((write) => batcher.submit(write)))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
})

test('when the database is gone, all fail at once and it is not asked again for each', async () => {
  let calls = 0
  const batcher = new WriteBatcher<string>({
    flush: async () => {
      calls++
      throw new Error('no connection')
    },
    batchMax: 100,
    isDivisible: () => false,
  })
  const results = await Promise.allSettled(['a', 'b', 'c'].map((write) => batcher.submit(write)))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(calls).toBe(1)
})

test('draining waits for what is under way and what waits behind it', async () => {
  const done: string[] = []
  const batcher = new WriteBatcher<string>({
    flush: async (writes) => {
      done.push(...writes)
      return writes.map(() => ({ ok: true, value: undefined }))
    },
    batchMax: 1,
    isDivisible: () => false,
  })
  void batcher.submit('a')
  void batcher.submit('b')
  await batcher.drain()
  expect(done).toEqual(['a', 'b'])
  await batcher.drain()
})
