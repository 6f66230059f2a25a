import { VirtualClock } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { coalesce } from './coalesce.ts'

function recorded(options: { maxItems?: number; fails?: (items: readonly string[]) => Error | undefined; hold?: Promise<void> } = {}) {
  const clock = new VirtualClock()
  const calls: string[][] = []
  const ask = coalesce<string, string>({
    clock,
    windowMs: 20,
    maxItems: options.maxItems ?? 100,
    keyOf: (item) => item[0] ?? '',
    isolates: (error) => error instanceof RangeError,
    async run(items) {
      calls.push([...items])
      await options.hold
      const failure = options.fails?.(items)
      if (failure !== undefined) throw failure
      return items.map((item) => item.toUpperCase())
    },
  })
  return { clock, calls, ask }
}

describe('coalescing', () => {
  it('gathers what is asked within the window, per key, and answers each its own', async () => {
    const { clock, calls, ask } = recorded()
    const answers = Promise.all(['a1', 'a2', 'b1'].map((item) => ask(item)))
    await clock.advanceAsync(19)
    expect(calls).toEqual([])
    await clock.advanceAsync(1)
    expect(await answers).toEqual(['A1', 'A2', 'B1'])
    expect(calls).toEqual([['a1', 'a2'], ['b1']])
  })

  it('sends an urgent item at once when nothing is pending, with whatever was asked in the same turn', async () => {
    const { calls, ask } = recorded()
    expect(await Promise.all(['a1', 'a2'].map((item) => ask(item, { urgent: true })))).toEqual(['A1', 'A2'])
    expect(calls).toEqual([['a1', 'a2']])
  })

  it('gathers urgent items behind a call that is under way, for one window', async () => {
    let release = (): void => undefined
    const { clock, calls, ask } = recorded({ hold: new Promise((resolve) => (release = resolve)) })
    const first = ask('a1', { urgent: true })
    await clock.advanceAsync(0)
    const rest = Promise.all(['a2', 'a3', 'a4'].map((item) => ask(item, { urgent: true })))
    await clock.advanceAsync(10)
    expect(calls).toEqual([['a1']])
    await clock.advanceAsync(10)
    expect(calls).toEqual([['a1'], ['a2', 'a3', 'a4']])
    release()
    expect([await first, ...(await rest)]).toEqual(['A1', 'A2', 'A3', 'A4'])
  })

  it('never sends more than fits, and sends a full batch without waiting', async () => {
    const { clock, calls, ask } = recorded({ maxItems: 2 })
    const answers = Promise.all(['a1', 'a2', 'a3'].map((item) => ask(item)))
    expect(calls).toEqual([['a1', 'a2']])
    await clock.advanceAsync(20)
    expect(await answers).toEqual(['A1', 'A2', 'A3'])
    expect(calls).toEqual([['a1', 'a2'], ['a3']])
  })

  it('halves a batch that one bad item has failed, until only that one fails', async () => {
    const { clock, calls, ask } = recorded({ fails: (items) => (items.includes('a3') ? new RangeError('a3 is bad') : undefined) })
    const answers = Promise.allSettled(['a1', 'a2', 'a3', 'a4', 'a5'].map((item) => ask(item)))
    await clock.advanceAsync(20)
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect(calls.at(-1)).not.toContain('a1')
  })

  it('fails all, with one call, when the failure is not one item’s fault', async () => {
    const { clock, calls, ask } = recorded({ fails: () => new Error('down') })
    const answers = Promise.allSettled(['a1', 'a2'].map((item) => ask(item)))
    await clock.advanceAsync(20)
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(calls).toHaveLength(1)
  })
})
