import { AppError, sleep } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { aborted, bench, ended } from './fixture.ts'
import type { Bench } from './fixture.ts'
import { FencedOff } from './store.ts'
import type { SagaStore } from './store.ts'

/** Lets every step take a minute, so that operations overlap. */
function slowly(b: Bench, ms = 1_000): void {
  b.shop.before = async (_call, context) => await sleep(b.clock, ms, context.signal)
}

describe('wake', () => {
  it('claims until nothing is left, never more at a time than there are slots', async () => {
    const b = bench()
    slowly(b)
    const ids = await Promise.all(Array.from({ length: 23 }, () => b.submit({ saga: 'assemble' })))
    const runner = b.runner({ concurrencyMax: 5, urgentSlots: 0 })
    let most = 0
    b.shop.after = () => {
      most = Math.max(most, runner.active().length)
    }
    await runner.wake()
    expect(runner.active()).toHaveLength(5)
    await b.drive(runner.idle())
    for (const id of ids) expect((await b.store.read(id)).status).toBe('succeeded')
    expect(most).toBe(5)
  })

  it('answers calls that come together with few claims', async () => {
    let claims = 0
    const b = bench({ wrap: (store) => ({ ...store, claim: async (options) => (claims++, await store.claim(options)) }) })
    const runner = b.runner()
    await Promise.all(Array.from({ length: 50 }, () => runner.wake()))
    expect(claims).toBeLessThanOrEqual(2)
  })

  it('sees what was submitted while it was looking', async () => {
    const b = bench()
    const runner = b.runner()
    const first = runner.wake()
    const id = await b.submit()
    await Promise.all([first, runner.wake()])
    await b.drive(runner.idle())
    expect((await b.store.read(id)).status).toBe('succeeded')
  })

  it('keeps slots for urgent operations', async () => {
    const b = bench()
    slowly(b)
    for (let index = 0; index < 6; index++) await b.submit({ saga: 'assemble', id: `calm-${index}` })
    const runner = b.runner({ concurrencyMax: 4, urgentSlots: 1 })
    await runner.wake()
    expect(runner.active().map(({ operationId }) => operationId)).toEqual(['calm-0', 'calm-1', 'calm-2'])
    await b.submit({ saga: 'assemble', id: 'urgent', priority: 10 })
    await b.submit({ saga: 'assemble', id: 'less-urgent', priority: 11 })
    await runner.wake()
    expect(runner.active().map(({ operationId }) => operationId)).toEqual(['calm-0', 'calm-1', 'calm-2', 'urgent'])
    await b.drive(runner.idle())
    for (const operation of b.store.operations.values()) expect(operation.status).toBe('succeeded')
  })

  it('survives a store that cannot be asked, and works at the next call', async () => {
    let down = true
    const b = bench({
      wrap: (store) => ({
        ...store,
        claim: async (options) => {
          if (down) throw new Error('connection refused')
          return await store.claim(options)
        },
      }),
    })
    const id = await b.submit()
    const runner = b.runner()
    await runner.wake()
    expect(b.seen).toMatchObject([{ type: 'store_failed', call: 'claim' }])
    down = false
    await runner.wake()
    await b.drive(runner.idle())
    expect((await b.store.read(id)).status).toBe('succeeded')
  })
})

describe('a step that can wait', () => {
  it('lets the urgent ones go first, which need fewer slots than there are operations', async () => {
    const b = bench()
    slowly(b, 100)
    const ids = await Promise.all(Array.from({ length: 9 }, () => b.submit({ saga: 'deliver', priority: 1 })))
    const runner = b.runner({ concurrencyMax: 2, urgentSlots: 0 })
    await runner.wake()
    await b.drive(runner.idle())
    for (const id of ids) expect(await b.log(id)).toEqual(['rescue started', 'rescue succeeded', 'tidy started', 'tidy succeeded'])
    expect(b.shop.calls.lastIndexOf('make rescue')).toBeLessThan(b.shop.calls.indexOf('make tidy'))
  })

  it('does not wait for ever', async () => {
    const b = bench()
    b.shop.before = async (call, context) => (/rescue|tidy/.test(call) ? undefined : await sleep(b.clock, 50_000, context.signal))
    await b.submit({ saga: 'build', priority: 1 }) // its four steps take 200 s
    const id = await b.submit({ saga: 'deliver', priority: 1 })
    const runner = b.runner()
    await runner.wake()
    await b.drive(ended(b, id))
    expect(runner.active()).toHaveLength(1)
    expect((await b.store.read(id)).status).toBe('succeeded')
    await b.drive(runner.idle())
  })

  it('is not waited for when nothing else is urgent', async () => {
    const b = bench()
    const startedMs = b.clock.nowMs()
    const id = await b.submit({ saga: 'deliver', priority: 1 })
    const runner = b.runner()
    await runner.wake()
    await b.drive(runner.idle())
    expect((await b.store.read(id)).status).toBe('succeeded')
    expect(b.clock.nowMs()).toBe(startedMs)
  })

  it('gives way to a cancellation and to a shutdown while it waits', async () => {
    const b = bench()
    b.shop.before = async (call, context) => (call === 'make frame' ? await sleep(b.clock, 15_000, context.signal) : undefined)
    await b.submit({ saga: 'assemble', priority: 1 })
    const [cancelled, drained] = await Promise.all([1, 2].map(() => b.submit({ saga: 'deliver', priority: 1 })))
    const runner = b.runner()
    await runner.wake()
    await b.clock.advanceAsync(1_000)
    await b.store.requestCancel(cancelled!)
    await b.drive(ended(b, cancelled!))
    expect((await b.log(cancelled!)).slice(2)).toEqual(['rescue undo_started', 'rescue undo_finished'])
    await b.drive(runner.drain())
    expect(await b.log(drained!)).toEqual(['rescue started', 'rescue succeeded'])
    expect(await b.store.read(drained!)).toMatchObject({ status: 'running', runner: undefined })
  })
})

describe('drain', () => {
  it('lets running steps end, gives the leases back at the next boundary, and claims nothing more', async () => {
    const b = bench()
    slowly(b)
    const id = await b.submit()
    const waiting = await b.submit()
    const runner = b.runner({ concurrencyMax: 1 })
    await runner.wake()
    await b.clock.advanceAsync(100)
    await b.drive(runner.drain())
    expect(runner.active()).toEqual([])
    expect(await b.log(id)).toEqual(['gate started', 'gate succeeded', 'frame started', 'frame succeeded'])
    expect(await b.store.read(id)).toMatchObject({ runner: undefined, leaseUntilMs: 0 })
    await runner.wake()
    expect((await b.store.read(waiting)).status).toBe('pending')
    const next = b.runner()
    await next.wake()
    await b.drive(next.idle())
    expect((await b.store.read(id)).status).toBe('succeeded')
    expect(b.shop.calls.filter((call) => call === 'make frame')).toHaveLength(2)
  })

  it('does not wait for the next attempt of a step that fails for now', async () => {
    const b = bench()
    const id = await b.submit()
    const runner = b.runner()
    let draining: Promise<void> | undefined
    b.shop.before = (call) => {
      if (call !== 'make frame' || draining) return
      draining = runner.drain()
      throw new AppError('unavailable', 'Not now.')
    }
    await b.drive(runner.wake().then(() => runner.idle()))
    await draining
    expect(await b.log(id)).toEqual(['gate started', 'gate succeeded', 'frame started'])
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'succeeded' })
    expect((await b.store.read(id)).events.filter((event) => event.step === 'frame').map((event) => event.attempt)).toEqual([1, 2, 2])
  })
})

describe('a lease', () => {
  it('is renewed for all operations together while they run', async () => {
    const renewals: number[] = []
    const b = bench({ wrap: (store) => ({ ...store, renew: async (options) => (renewals.push(options.leases.length), await store.renew(options)) }) })
    slowly(b, 55_000)
    for (let index = 0; index < 3; index++) await b.submit({ saga: 'assemble' })
    const runner = b.runner()
    await runner.wake()
    await b.drive(runner.idle())
    expect(renewals.length).toBeGreaterThanOrEqual(12)
    expect(Math.max(...renewals)).toBe(3)
    for (const operation of b.store.operations.values()) expect(operation).toMatchObject({ status: 'succeeded', generation: 1 })
    expect(b.clock.pendingCount).toBe(0)
  })

  it('that cannot be renewed ends here before it ends in the store: the step is aborted, nothing more is written', async () => {
    const b = bench({ wrap: (store) => ({ ...store, renew: async () => await Promise.reject(new Error('connection reset')) }) })
    const id = await b.submit()
    let abortedAtMs = 0
    b.shop.before = async (call, context) => {
      if (call !== 'make frame') return
      await aborted(context.signal)
      abortedAtMs = b.clock.nowMs()
      throw context.signal.reason
    }
    const startMs = b.clock.nowMs()
    const runner = b.runner()
    expect(await b.drive(runner.runOne(id))).toEqual({ kind: 'dropped' })
    expect(abortedAtMs - startMs).toBe(22_500)
    expect(runner.active()).toEqual([])
    expect(await b.log(id)).toEqual(['gate started', 'gate succeeded', 'frame started'])
    expect(b.types()).toContain('lease_lost')
    expect(b.types().filter((type) => type === 'store_failed')).toHaveLength(2)
    expect(b.clock.pendingCount).toBe(0)
  })

  it('that somebody else has taken over is noticed at the next write, which is refused', async () => {
    const b = bench()
    const id = await b.submit()
    const second = b.runner()
    let taken = false
    b.shop.before = async (call) => {
      if (call !== 'make frame' || taken) return
      taken = true
      // The process was frozen for longer than its lease; meanwhile somebody else ran everything.
      b.store.operations.get(id)!.leaseUntilMs = 0
      expect(await second.runOne(id)).toEqual({ kind: 'finished', status: 'succeeded' })
    }
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'dropped' })
    expect(b.types()).toContain('fenced')
    expect(await b.log(id)).toHaveLength(11)
    expect((await b.store.read(id)).generation).toBe(2)
  })

  it('is held by one runner at a time, however many ask', async () => {
    const b = bench()
    slowly(b)
    const ids = await Promise.all(Array.from({ length: 10 }, () => b.submit()))
    const runners = Array.from({ length: 4 }, () => b.runner())
    await Promise.all(runners.map((runner) => runner.wake()))
    await b.drive(Promise.all(runners.map((runner) => runner.idle())))
    for (const id of ids) expect(await b.store.read(id)).toMatchObject({ status: 'succeeded', generation: 1 })
    expect(b.shop.calls).toHaveLength(40)
  })
})

describe('a store that fails', () => {
  const calls = ['append', 'finish', 'note'] as const
  for (const call of calls) {
    for (const side of ['before', 'after'] as const) {
      it(`at any ${call}, ${side === 'before' ? 'unwritten' : 'written but unanswered'}: the operation is dropped and ends elsewhere`, async () => {
        let tried = 0
        for (let nth = 1; nth <= 8; nth++) {
          const { b, failed } = failingAt(call, side, nth)
          const id = await b.submit()
          b.shop.after = async (_call, context) => await context.note('Made.')
          const outcome = await b.drive(b.runner().runOne(id))
          if (!failed()) continue
          tried++
          expect(outcome).toEqual({ kind: 'dropped' })
          expect(b.seen.at(-1)).toMatchObject({ type: 'store_failed', call, operationId: id })
          const events = (await b.store.read(id)).events.length
          b.clock.advance(30_001)
          expect((await b.store.read(id)).events).toHaveLength(events)
          await b.drive(b.runner().runOne(id))
          expect((await b.store.read(id)).status).toBe('succeeded')
          expect([...b.shop.things]).toEqual(['frame', 'engine', 'paint', 'sign'])
        }
        expect(tried).toBe({ append: 7, note: 4, finish: 1 }[call])
      })
    }
  }

  it('hangs for no longer than a lease', async () => {
    const b = bench({ wrap: (store) => ({ ...store, append: async () => await new Promise(() => undefined) }) })
    const id = await b.submit()
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'dropped' })
    expect(b.types()).toContain('store_failed')
  })

  it('hangs when asked for work: what it brings too late is not run', async () => {
    let hang = true
    const b = bench({
      wrap: (store) => ({
        ...store,
        claim: async (options) => {
          const claimed = await store.claim(options)
          if (hang) await sleep(b.clock, 40_000)
          return claimed
        },
      }),
    })
    const id = await b.submit()
    const runner = b.runner()
    await b.drive(runner.wake())
    await b.clock.advanceAsync(60_000)
    expect(b.shop.calls).toEqual([])
    hang = false
    await runner.wake()
    await b.drive(runner.idle())
    expect((await b.store.read(id)).status).toBe('succeeded')
  })

  function failingAt(call: (typeof calls)[number], side: 'before' | 'after', nth: number): { b: Bench; failed: () => boolean } {
    let count = 0
    const around = async <T>(name: string, write: () => Promise<T>): Promise<T> => {
      const fails = name === call && ++count === nth
      if (fails && side === 'before') throw new Error('connection reset')
      const answer = await write()
      if (fails) throw new Error('connection reset')
      return answer
    }
    const wrap = (store: SagaStore): SagaStore => ({
      ...store,
      append: (...args) => around('append', () => store.append(...args)),
      note: (...args) => around('note', () => store.note(...args)),
      finish: (...args) => around('finish', () => store.finish(...args)),
    })
    return { b: bench({ wrap }), failed: () => count >= nth }
  }
})

describe('a step that takes its process down', () => {
  it('is given up after so many resumptions, and undone', async () => {
    const b = bench()
    const id = await b.submit()
    for (let crash = 1; crash <= 3; crash++) {
      const store: SagaStore = { ...b.store, append: (...args) => appendThenDie(b, args) }
      expect(await b.drive(b.runner({ store, resumptionsMax: 3 }).runOne(id))).toEqual({ kind: 'dropped' })
      b.clock.advance(30_001)
    }
    expect(await b.drive(b.runner({ resumptionsMax: 3 }).runOne(id))).toEqual({ kind: 'finished', status: 'failed' })
    expect((await b.store.read(id)).error).toMatchObject({ code: 'crashed_repeatedly' })
    expect(b.shop.calls).toEqual([])
  })

  async function appendThenDie(b: Bench, args: Parameters<SagaStore['append']>): Promise<never> {
    await b.store.append(...args)
    throw new FencedOff('the process is gone')
  }
})

describe('a bell that rings after a delay', () => {
  it('is the runner’s own for a round it has put off', async () => {
    const b = bench()
    const id = await b.submit()
    let failures = 1
    b.shop.before = (call) => {
      if (call === 'make sign' && failures-- > 0) throw new AppError('conflict', 'No.')
    }
    await b.drive(
      b
        .runner()
        .wake()
        .then(() => ended(b, id)),
    )
    expect((await b.store.read(id)).status).toBe('succeeded')
  })
})
