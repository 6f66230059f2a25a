import { AppError } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { bench } from './fixture.ts'

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
    expect(b.shop.calls.filter((call) => call === 'make frame')).toHaveLength(5)
    expect((await b.store.read(id)).status).toBe('failed')
  })
})
