import { expect, test } from 'vitest'
import { together } from './together.ts'

test('what comes while something is under way goes together into the next', async () => {
  const batches: (readonly unknown[])[] = []
  let received = 0
  const gate = Promise.withResolvers<void>()
  const take = together(
    async (documents) => {
      batches.push(documents)
      await gate.promise
    },
    () => (received += 1),
  )
  const all = [take([1]), take([2, 3]), take([4])]
  gate.resolve()
  await Promise.all(all)
  expect(batches).toEqual([[1], [2, 3, 4]])
  expect(received).toBe(2)
})

test('a batch has an end', async () => {
  const sizes: number[] = []
  const take = together(
    async (documents) => void sizes.push(documents.length),
    () => undefined,
  )
  await Promise.all(Array.from({ length: 121 }, (_, index) => take(Array.from({ length: 10 }, () => index))))
  expect(sizes).toEqual([10, 500, 500, 200])
})

test('one that cannot be stored fails alone', async () => {
  const stored: unknown[] = []
  const take = together(
    async (documents) => {
      if (documents.includes('poison')) throw new Error('refused')
      stored.push(...documents)
    },
    () => undefined,
  )
  const all = await Promise.allSettled([take(['first']), take(['second']), take(['poison']), take(['third'])])
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(stored.toSorted()).toEqual(['first', 'second', 'third'])
})
