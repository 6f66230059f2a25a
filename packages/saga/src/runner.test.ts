import { AppError, sleep } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { classifyAppError } from './failure.ts'
import type { Classify } from './failure.ts'
import { aborted, bench, ended } from './fixture.ts'
import type { Bench } from './fixture.ts'

const permanent = (): AppError => new AppError('conflict', 'It does not fit.')
const transient = (): AppError => new AppError('unavailable', 'Not now.')

describe('a saga that goes well', () => {
  it('runs its steps in order, hands on outputs, and ends succeeded', async () => {
    const b = bench()
    const id = await b.submit()
    const outcome = await b.drive(b.runner().runOne(id))
    expect(outcome).toEqual({ kind: 'finished', status: 'succeeded' })
    expect([...b.shop.things]).toEqual(['frame', 'engine', 'paint', 'sign'])
    const stored = await b.store.read(id)
    expect(stored.status).toBe('succeeded')
    expect(stored.output).toEqual({
      gate: null,
      frame: { thing: 'frame' },
      engine: { thing: 'engine' },
      paint: { thing: 'paint' },
      sign: { thing: 'sign' },
    })
    expect(stored.runner).toBeUndefined()
    expect(b.clock.pendingCount).toBe(0)
  })

  it('writes the start of a step with the end of the one before it, except at the point of no return', async () => {
    const appends: string[] = []
    const b = bench({
      wrap: (store) => ({
        ...store,
        append: async (operation, events, audit) => {
          appends.push(events.map((event) => `${event.step} ${event.type}`).join(', '))
          return await store.append(operation, events, audit)
        },
      }),
    })
    await b.drive(b.runner().runOne(await b.submit()))
    expect(appends).toEqual([
      'gate started',
      'gate succeeded, frame started',
      'frame succeeded, engine started',
      'engine succeeded',
      'paint started',
      'paint succeeded, sign started',
      'sign succeeded',
    ])
  })

  it('retries transient failures with growing waits and one started entry', async () => {
    const b = bench()
    const id = await b.submit()
    let failures = 3
    b.shop.before = (call) => {
      if (call === 'make frame' && failures-- > 0) throw transient()
    }
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'succeeded' })
    const { events } = await b.store.read(id)
    expect(events.filter((event) => event.step === 'frame').map(({ type, attempt }) => [type, attempt])).toEqual([
      ['started', 1],
      ['succeeded', 4],
    ])
    expect(b.types().filter((type) => type === 'step_retried')).toHaveLength(3)
  })
})

describe('a failure that says when to ask again', () => {
  it.each([
    [7_000, 7_000],
    [3_600_000, 10_000],
  ])('in %i ms is waited for, for %i ms', async (retryAfterMs, waitedMs) => {
    const b = bench()
    let failures = 1
    b.shop.before = (call) => {
      if (call === 'make frame' && failures-- > 0) throw transient()
    }
    const startMs = b.clock.nowMs()
    const classify: Classify = (error) => ({ ...classifyAppError(error), retryAfterMs })
    expect(await b.drive(b.runner({ classify }).runOne(await b.submit()))).toEqual({ kind: 'finished', status: 'succeeded' })
    expect(b.clock.nowMs() - startMs).toBe(waitedMs)
  })
})

describe('a step that fails before the point of no return', () => {
  it('is undone with every step that was started, last first', async () => {
    const b = bench()
    const id = await b.submit()
    b.shop.after = (call) => {
      if (call === 'make engine') throw permanent()
    }
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'failed' })
    expect([...b.shop.things]).toEqual([])
    expect(await b.log(id)).toEqual([
      'gate started',
      'gate succeeded',
      'frame started',
      'frame succeeded',
      'engine started',
      'engine failed',
      'engine undo_started',
      'engine undo_finished',
      'frame undo_started',
      'frame undo_finished',
    ])
    expect((await b.store.read(id)).error).toEqual({ code: 'conflict', message: 'It does not fit.', transient: false })
  })

  it('fails after its last attempt of a transient failure', async () => {
    const b = bench()
    const id = await b.submit()
    b.shop.before = (call) => {
      if (call === 'make frame') throw transient()
    }
    await b.drive(b.runner().runOne(id))
    expect(b.shop.calls.filter((call) => call === 'make frame')).toHaveLength(8)
    expect((await b.store.read(id)).status).toBe('failed')
  })
})

describe('a budget', () => {
  it('aborts the step when it is spent, and the step fails with deadline_exceeded', async () => {
    const b = bench()
    const id = await b.submit()
    let dueInMs: number | undefined
    b.shop.before = async (call, context) => {
      if (call !== 'make frame') return
      dueInMs = context.dueMs - b.clock.nowMs()
      await aborted(context.signal)
    }
    const startMs = b.clock.nowMs()
    await b.drive(b.runner().runOne(id))
    const { error, status } = await b.store.read(id)
    expect({ status, code: error?.code }).toEqual({ status: 'failed', code: 'deadline_exceeded' })
    expect(dueInMs).toBe(60_000)
    expect(b.clock.nowMs() - startMs).toBe(60_000)
    expect([...b.shop.things]).toEqual([])
  })

  it('is cut by the deadline of the operation before the point of no return, and not behind it', async () => {
    const b = bench()
    const id = await b.submit({ deadlineMs: b.clock.nowMs() + 10_000 })
    const due: Record<string, number> = {}
    b.shop.before = async (call, context) => {
      due[call] = context.dueMs - b.clock.nowMs()
      if (call === 'make engine') await sleep(b.clock, 9_000)
      if (call === 'make paint') await sleep(b.clock, 5_000)
    }
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'succeeded' })
    expect(due).toEqual({ 'make frame': 10_000, 'make engine': 10_000, 'make paint': 60_000, 'make sign': 60_000 })
  })

  it('fails a step without trying it when the deadline has passed, and undoes what was done', async () => {
    const b = bench()
    const id = await b.submit({ deadlineMs: b.clock.nowMs() + 10_000 })
    b.shop.after = async (call) => {
      if (call === 'make frame') b.clock.advance(10_000)
    }
    await b.drive(b.runner().runOne(id))
    expect(b.shop.calls).toEqual(['make frame', 'remove frame'])
    expect((await b.store.read(id)).error?.code).toBe('deadline_exceeded')
  })

  it('leaves a step behind that ignores its signal, after a grace, and refuses what it still wants to write', async () => {
    const b = bench()
    const id = await b.submit()
    let letGo: () => void = () => undefined
    let late: Promise<unknown> | undefined
    b.shop.before = async (call, context) => {
      if (call !== 'make frame') return
      await new Promise<void>((resolve) => {
        letGo = resolve
      })
      late = context.audit({ action: 'shop.make', target: 'frame' })
      await late
    }
    await b.drive(b.runner().runOne(id))
    expect(b.types()).toContain('step_abandoned')
    expect((await b.store.read(id)).status).toBe('failed')
    letGo()
    await new Promise((resolve) => setImmediate(resolve))
    await expect(late).rejects.toThrow(/has ended; it may not write/)
    expect((await b.store.read(id)).audit).toEqual([])
    expect([...b.shop.things]).toEqual([])
  })
})

describe('an undo', () => {
  it('is tried ten times, whatever the failure, and not cut by the deadline', async () => {
    const b = bench()
    const id = await b.submit({ deadlineMs: b.clock.nowMs() + 1_000 })
    let failures = 9
    let dueInMs = 0
    b.shop.before = (call, context) => {
      if (call === 'make engine') throw permanent()
      if (call !== 'remove frame') return
      dueInMs ||= context.dueMs - b.clock.nowMs()
      if (failures-- > 0) throw permanent()
    }
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'failed' })
    expect(b.shop.calls.filter((call) => call === 'remove frame')).toHaveLength(10)
    expect(dueInMs).toBe(60_000)
    expect([...b.shop.things]).toEqual([])
  })

  it('that fails for good leaves the operation stuck; a person retries it', async () => {
    const b = bench()
    const id = await b.submit()
    let works = false
    b.shop.before = (call) => {
      if (call === 'make engine' || (call === 'remove engine' && !works)) throw permanent()
    }
    const runner = b.runner()
    expect(await b.drive(runner.runOne(id))).toEqual({ kind: 'finished', status: 'stuck' })
    const stuck = await b.store.read(id)
    expect(stuck.error).toMatchObject({ code: 'conflict', message: 'The undo of step engine has failed: It does not fit.' })
    expect(stuck.error?.remedy).toMatch(/retry the operation, or put back by hand what engine did and skip its undo/)
    expect((await b.log(id)).at(-1)).toBe('engine undo_failed')
    expect(b.types()).toContain('stuck')
    expect(await b.drive(runner.runOne(id))).toBeUndefined()
    works = true
    await b.store.resume(id)
    expect(await b.drive(runner.runOne(id))).toEqual({ kind: 'finished', status: 'failed' })
    expect([...b.shop.things]).toEqual([])
    expect((await b.store.read(id)).error).toMatchObject({ code: 'conflict', message: 'It does not fit.' })
  })

  it('that a person skips counts as done, with a note', async () => {
    const b = bench()
    const id = await b.submit()
    b.shop.before = (call) => {
      if (call === 'make engine' || call === 'remove engine') throw permanent()
    }
    const runner = b.runner()
    await b.drive(runner.runOne(id))
    await b.store.resume(id, { skip: 'engine' })
    expect(await b.drive(runner.runOne(id))).toEqual({ kind: 'finished', status: 'failed' })
    expect([...b.shop.things]).toEqual([])
    expect((await b.store.read(id)).notes).toMatchObject([{ step: 'engine', message: expect.stringMatching(/undo of this step was skipped/) }])
  })
})

describe('behind the point of no return', () => {
  const failingPaint = (b: Bench, rounds: number): void => {
    let left = rounds
    b.shop.before = (call) => {
      if (call === 'make paint' && left-- > 0) throw permanent()
    }
  }

  it('a failing step gives the lease back and is tried again, later and later, by whoever claims it', async () => {
    const b = bench()
    const id = await b.submit()
    failingPaint(b, 4)
    const runner = b.runner()
    await b.drive(runner.wake().then(() => ended(b, id)))
    expect((await b.store.read(id)).status).toBe('succeeded')
    const waits = b.seen.filter((event) => event.type === 'released')
    expect(waits).toMatchObject(Array(4).fill({ why: 'roll_forward' }))
    expect(b.seen.filter((event) => event.type === 'claimed')).toHaveLength(5)
    const starts = (await b.store.read(id)).events.filter((event) => event.step === 'paint' && event.type === 'started').map((event) => event.atMs)
    const gaps = starts.slice(1).map((atMs, index) => atMs - starts[index]!)
    expect(gaps).toEqual([...gaps].sort((x, y) => x - y))
    expect(gaps[0]).toBeGreaterThanOrEqual(500)
    expect(gaps[3]).toBeLessThanOrEqual(8_000)
  })

  it('is stuck after its rounds, with a remedy, and goes on when a person retries or skips', async () => {
    const b = bench()
    const id = await b.submit()
    failingPaint(b, 100)
    const runner = b.runner({ roundsMax: 3 })
    await b.drive(runner.wake().then(() => ended(b, id)))
    const stuck = await b.store.read(id)
    expect(stuck.status).toBe('stuck')
    expect(stuck.error).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/paint has failed 3 times/),
      remedy: expect.stringMatching(/retry.*skip/),
    })
    await b.store.resume(id)
    await b.drive(runner.wake().then(() => ended(b, id)))
    expect((await b.store.read(id)).error?.message).toMatch(/failed 6 times/)
    await b.store.resume(id, { skip: 'paint' })
    await b.drive(runner.wake().then(() => ended(b, id)))
    const done = await b.store.read(id)
    expect(done.status).toBe('succeeded')
    expect(done.output).toMatchObject({ paint: null, sign: { thing: 'sign' } })
    expect(done.notes).toMatchObject([{ step: 'paint', message: expect.stringMatching(/was skipped by a person/) }])
  })

  it('goes on although the deadline has passed', async () => {
    const b = bench()
    const id = await b.submit({ deadlineMs: b.clock.nowMs() + 5_000 })
    failingPaint(b, 8)
    await b.drive(
      b
        .runner()
        .wake()
        .then(() => ended(b, id)),
    )
    expect((await b.store.read(id)).status).toBe('succeeded')
    expect(b.clock.nowMs()).toBeGreaterThan((await b.store.read(id)).deadlineMs!)
  })
})

describe('a cancellation', () => {
  it('is seen when the lease is renewed: the step is aborted and everything undone', async () => {
    const b = bench()
    const id = await b.submit()
    b.shop.after = async (call, context) => {
      if (call !== 'make engine') return
      await b.store.requestCancel(id)
      await aborted(context.signal)
      throw context.signal.reason
    }
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'cancelled' })
    expect([...b.shop.things]).toEqual([])
    expect((await b.log(id)).slice(-5)).toEqual([
      'engine failed',
      'engine undo_started',
      'engine undo_finished',
      'frame undo_started',
      'frame undo_finished',
    ])
    expect((await b.store.read(id)).error).toBeUndefined()
  })

  it('is asked for at the point of no return even of a store that does not tell by itself', async () => {
    const b = bench({ wrap: (store) => ({ ...store, append: async (...args) => void (await store.append(...args)) }) })
    const id = await b.submit()
    b.shop.after = async (call) => {
      if (call === 'make engine') await b.store.requestCancel(id)
    }
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'cancelled' })
    expect([...b.shop.things]).toEqual([])
  })

  it('comes too late behind the point of no return', async () => {
    const b = bench()
    const id = await b.submit()
    b.shop.before = async (call) => {
      if (call !== 'make paint') return
      await b.store.requestCancel(id)
      await sleep(b.clock, 20_000)
    }
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'succeeded' })
  })

  it('before the end of a saga without a point of no return still undoes it', async () => {
    const b = bench()
    const id = await b.submit({ saga: 'assemble' })
    b.shop.after = async (call) => {
      if (call === 'make engine') await b.store.requestCancel(id)
    }
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'cancelled' })
    expect([...b.shop.things]).toEqual([])
  })

  it('of an operation whose runner has crashed undoes the step that was cut off', async () => {
    const b = bench()
    const id = await b.submit()
    const stop = new AbortController()
    b.shop.after = async (call, context) => {
      if (call === 'make engine') await aborted(AbortSignal.any([stop.signal, context.signal]))
    }
    const dead = b.runner({ store: { ...b.store, renew: async () => await new Promise(() => undefined) } })
    void dead.runOne(id)
    await b.clock.advanceAsync(31_000)
    expect(b.types()).toContain('lease_lost')
    await b.store.requestCancel(id)
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'cancelled' })
    expect((await b.log(id)).slice(4)).toEqual([
      'engine started',
      'engine failed',
      'engine undo_started',
      'engine undo_finished',
      'frame undo_started',
      'frame undo_finished',
    ])
    expect([...b.shop.things]).toEqual([])
  })
})
