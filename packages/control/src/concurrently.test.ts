import { describe, expect, test } from 'vitest'
import { concurrently } from './concurrently.ts'

describe('concurrently', () => {
  test('keeps the order of the results and never runs more at once than it may', async () => {
    let running = 0
    let most = 0
    const results = await concurrently([5, 4, 3, 2, 1, 0], 2, async (turns) => {
      most = Math.max(most, ++running)
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      running--
      return turns * 10
    })
    expect(results).toEqual([50, 40, 30, 20, 10, 0])
    expect(most).toBe(2)
  })
  test('begins nothing after an error, and waits for what had begun', async () => {
    const begun: number[] = []
    const ended: number[] = []
    const slow = Promise.withResolvers<void>()
    const work = concurrently([0, 1, 2, 3], 2, async (item) => {
      begun.push(item)
      if (item === 0) throw new Error('no')
      await slow.promise
      ended.push(item)
    })
    slow.resolve()
    await expect(work).rejects.toThrow('no')
    expect(begun).toEqual([0, 1])
    expect(ended).toEqual([1])
  })
  test('answers nothing for nothing', async () => expect(await concurrently([], 4, () => Promise.reject(new Error('called')))).toEqual([]))
})
