import { AppError } from '@understudy/core'
import type { Json } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { saga } from './definition.ts'
import type { Saga } from './definition.ts'
import { describeSaga } from './describe.ts'
import { aborted, bench, build } from './fixture.ts'
import type { Bench } from './fixture.ts'
import type { Outcome } from './ending.ts'
import { runnable } from './registry.ts'

const budget = { maxMs: 60_000 }
const plain = { title: 'Do nothing', budget, undo: 'nothing-to-undo' } as const
const anyParams = z.object({ name: z.string() })
const define = (name: string) => saga<Bench['shop'], { name: string }>(name, { version: 1, params: anyParams })

async function run(b: Bench, definition: Saga<Bench['shop'], { name: string }>, id?: string): Promise<{ id: string; outcome: Outcome | undefined }> {
  const runner = b.runner({ sagas: [runnable(definition, () => b.shop)] })
  const operation = id ?? (await b.submit({ saga: definition.name }))
  return { id: operation, outcome: await b.drive(runner.runOne(operation)) }
}

describe('parameters', () => {
  it('that do not fit fail the operation before any step', async () => {
    const b = bench()
    const id = await b.submit({ params: { name: 7 } })
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'failed' })
    const { events, error } = await b.store.read(id)
    expect(events).toEqual([])
    expect(error).toMatchObject({ code: 'invalid_params', message: expect.stringContaining('/name') })
  })

  it('that no longer fit leave an operation stuck once something was done', async () => {
    const b = bench()
    const id = await b.submit()
    const [first] = await b.store.claim({ runner: 'x', limit: 1, leaseMs: 10, nowMs: b.clock.nowMs(), sagas: ['build'], operationId: id })
    await b.store.append(first!, [{ sequence: 1, type: 'started', step: 'gate', attempt: 1, data: null, atMs: 0 }])
    b.clock.advance(11)
    const stricter = { ...build, params: z.object({ name: z.literal('other') }) } as unknown as typeof build
    expect((await run(b, stricter, id)).outcome).toEqual({ kind: 'finished', status: 'stuck' })
    expect((await b.store.read(id)).error).toMatchObject({ code: 'invalid_params', remedy: expect.stringMatching(/began with/) })
  })
})

describe('a version', () => {
  it('that nobody knows leaves the operation visibly stuck, with a remedy', async () => {
    const b = bench()
    const id = await b.submit({ version: 9 })
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'stuck' })
    expect((await b.store.read(id)).error).toMatchObject({
      code: 'unknown_saga_version',
      message: 'This runner does not know version 9 of saga build (known: 1).',
      remedy: expect.stringMatching(/Deploy a release that contains this version, then retry/),
    })
  })

  it('that is young may be left to newer runners for a while', async () => {
    const b = bench()
    const id = await b.submit({ version: 9 })
    const older = b.runner({ unknownVersionGraceMs: 60_000 })
    expect(await b.drive(older.runOne(id))).toMatchObject({ kind: 'released', why: 'other_version' })
    b.clock.advance(1_000)
    const newer = b.runner({ sagas: [runnable({ ...build, version: 9 }, () => b.shop)] })
    expect(await b.drive(newer.runOne(id))).toEqual({ kind: 'finished', status: 'succeeded' })
  })

  it('may be registered once', () => {
    const b = bench()
    const twice = [runnable(build, () => b.shop), runnable(build, () => b.shop)]
    expect(() => b.runner({ sagas: twice })).toThrow('saga build version 1 is registered twice')
  })

  it('continues the operations that began with it', async () => {
    const b = bench()
    const first = define('grow')
      .step('one', { ...plain, run: async () => 'first' })
      .end()
    const second = {
      ...define('grow')
        .step('two', { ...plain, run: async () => 'second' })
        .end(),
      version: 2,
    }
    const runner = b.runner({ sagas: [runnable(first, () => b.shop), runnable(second, () => b.shop)] })
    const old = await b.submit({ saga: 'grow', version: 1 })
    const young = await b.submit({ saga: 'grow', version: 2 })
    await b.drive(runner.wake().then(() => runner.idle()))
    expect((await b.store.read(old)).output).toEqual({ one: 'first' })
    expect((await b.store.read(young)).output).toEqual({ two: 'second' })
  })
})

describe('an output', () => {
  it('that is not what the schema promises fails the step, and what it did is undone', async () => {
    const b = bench()
    const definition = define('typed')
      .step('make', {
        title: 'Make it',
        budget,
        output: z.object({ size: z.number() }),
        run: async (shop, context) => {
          await shop.make('it', context)
          return { size: 'large' as unknown as number }
        },
        undo: (shop, context) => shop.remove('it', context),
      })
      .end()
    const { id } = await run(b, definition)
    expect((await b.store.read(id)).error).toMatchObject({ code: 'invalid_output', message: expect.stringContaining('/size') })
    expect([...b.shop.things]).toEqual([])
  })

  it.each([
    ['a date', { when: new Date(0) }, '/when has no JSON form'],
    ['not a number', [1, Number.NaN], '/1 has no JSON form'],
    ['a function', () => 1, 'the value has no JSON form'],
    ['a map', new Map(), 'the value has no JSON form'],
  ])('must be JSON: %s is refused', async (_name, output, why) => {
    const b = bench()
    const { id } = await run(
      b,
      define('odd')
        .step('make', { ...plain, run: async () => output as unknown as Json })
        .end(),
    )
    expect((await b.store.read(id)).error).toMatchObject({ code: 'invalid_output', message: expect.stringContaining(why) })
  })

  it('is the same to later steps whether it was just written or read back', async () => {
    const b = bench()
    const seen: unknown[] = []
    const definition = define('echo')
      .step('make', {
        ...plain,
        output: z.object({ size: z.number(), color: z.string().default('grey') }),
        run: async () => ({ size: 1, more: undefined }) as never,
      })
      .step('look', {
        ...plain,
        run: async (_shop, { outputs }) => {
          seen.push(outputs.make)
        },
      })
      .end()
    const { id } = await run(b, definition)
    expect(seen).toEqual([{ size: 1, color: 'grey' }])
    expect((await b.store.read(id)).output).toEqual({ make: { size: 1, color: 'grey' }, look: null })
  })

  it('that its schema no longer accepts leaves the operation stuck', async () => {
    const b = bench()
    const id = await b.submit()
    const [first] = await b.store.claim({ runner: 'x', limit: 1, leaseMs: 10, nowMs: b.clock.nowMs(), sagas: ['build'], operationId: id })
    await b.store.append(first!, [
      { sequence: 1, type: 'started', step: 'gate', attempt: 1, data: null, atMs: 0 },
      { sequence: 2, type: 'succeeded', step: 'gate', attempt: 1, data: { old: true }, atMs: 0 },
    ])
    b.clock.advance(11)
    const stricter = { ...build, steps: build.steps.map((step) => (step.name === 'gate' ? { ...step, output: z.null() } : step)) }
    expect((await run(b, stricter, id)).outcome).toEqual({ kind: 'finished', status: 'stuck' })
    expect((await b.store.read(id)).error?.message).toMatch(/stored output of step gate does not fit its schema/)
    expect(await b.log(id)).toHaveLength(2)
  })
})

describe('a log that does not fit the definition', () => {
  it('leaves the operation stuck and untouched', async () => {
    const b = bench()
    const id = await b.submit()
    const [first] = await b.store.claim({ runner: 'x', limit: 1, leaseMs: 10, nowMs: b.clock.nowMs(), sagas: ['build'], operationId: id })
    await b.store.append(first!, [{ sequence: 1, type: 'started', step: 'roof', attempt: 1, data: null, atMs: 0 }])
    b.clock.advance(11)
    expect(await b.drive(b.runner().runOne(id))).toEqual({ kind: 'finished', status: 'stuck' })
    expect((await b.store.read(id)).error).toMatchObject({
      code: 'illegal_log',
      message: expect.stringMatching(/event 1 \(started of roof\).*no such step/),
    })
    expect(b.shop.calls).toEqual([])
  })
})

describe('a step with `when`', () => {
  const definition = (wanted: () => boolean) =>
    define('maybe')
      .step('first', { ...plain, run: async () => 'done' })
      .step('extra', {
        title: 'Make the extra',
        budget,
        when: wanted,
        output: z.string(),
        run: async (shop, context) => {
          await shop.make('extra', context)
          return 'made'
        },
        undo: (shop, context) => shop.remove('extra', context),
      })
      .step('last', {
        ...plain,
        run: async (shop, context) => {
          await shop.make('last', context)
          return context.outputs.extra
        },
      })
      .end()

  it('is passed over when it says no, logged with the next start, and its output is null', async () => {
    const b = bench()
    const { id, outcome } = await run(
      b,
      definition(() => false),
    )
    expect(outcome).toEqual({ kind: 'finished', status: 'succeeded' })
    const { events, output } = await b.store.read(id)
    expect(output).toEqual({ first: 'done', extra: null, last: null })
    expect(events.map(({ step, type, attempt }) => `${step} ${type} ${attempt}`)).toEqual([
      'first started 1',
      'first succeeded 1',
      'extra started 0',
      'extra succeeded 0',
      'last started 1',
      'last succeeded 1',
    ])
  })

  it('is not undone when it was passed over, and undone when it was not', async () => {
    for (const wanted of [false, true]) {
      const b = bench()
      b.shop.before = (call) => {
        if (call === 'make last') throw new AppError('conflict', 'No.')
      }
      const { outcome } = await run(
        b,
        definition(() => wanted),
      )
      expect(outcome).toEqual({ kind: 'finished', status: 'failed' })
      expect(b.shop.calls.filter((call) => call.endsWith('extra'))).toEqual(wanted ? ['make extra', 'remove extra'] : [])
    }
  })

  it('fails when the question itself fails', async () => {
    const b = bench()
    const asking = definition(() => {
      throw new Error('a bug')
    })
    const { id, outcome } = await run(b, asking)
    expect(outcome).toEqual({ kind: 'finished', status: 'failed' })
    expect((await b.store.read(id)).error).toMatchObject({ code: 'internal' })
  })
})

describe('what a step may use', () => {
  it('has keys that are equal in every attempt and in its undo, and different for every suffix', async () => {
    const b = bench()
    const keys: string[][] = []
    b.shop.before = (call, context) => {
      keys.push([context.key(), context.key('disk')])
      if (call === 'make frame' && context.attempt < 3) throw new AppError('unavailable', 'Not now.')
      if (call === 'make frame') throw new AppError('conflict', 'No.')
    }
    await b.drive(b.runner().runOne(await b.submit()))
    expect(keys).toHaveLength(4)
    expect(new Set(keys.map(String)).size).toBe(1)
    expect(keys[0]![0]).toMatch(/^[0-9a-f]{32}$/)
    expect(keys[0]![0]).not.toBe(keys[0]![1])
  })

  it('writes an intent once however often the step runs, and another for its undo', async () => {
    const b = bench()
    b.shop.before = async (call, context) => {
      await context.audit({ action: 'shop.change', target: call.split(' ')[1]!, details: { attempt: context.attempt } })
      if (call === 'make engine' && context.attempt < 3) throw new AppError('unavailable', 'Not now.')
      if (call === 'make engine') throw new AppError('conflict', 'No.')
    }
    const id = await b.submit()
    await b.drive(b.runner().runOne(id))
    const { audit } = await b.store.read(id)
    expect(audit.map(({ action, target }) => `${action} ${target}`)).toEqual([
      'shop.change frame',
      'shop.change engine',
      'shop.change engine',
      'shop.change frame',
    ])
    expect(new Set(audit.map(({ key }) => key)).size).toBe(4)
  })

  it('may not announce a change once its signal has aborted', async () => {
    const b = bench()
    let refused: unknown
    b.shop.before = async (call, context) => {
      if (call !== 'make frame') return
      await aborted(context.signal)
      refused = await context.audit({ action: 'shop.make', target: 'frame' }).catch((error: unknown) => error)
      throw new Error('late')
    }
    const id = await b.submit()
    await b.drive(b.runner().runOne(id))
    expect(refused).toMatchObject({ code: 'deadline_exceeded' })
    expect((await b.store.read(id)).audit).toEqual([])
  })

  it('gets its dependencies from the factory of its saga, which may fail', async () => {
    const b = bench()
    const failing = b.runner({
      sagas: [
        runnable(build, () => {
          throw new AppError('provider_unauthorized', 'The credentials are gone.')
        }),
      ],
    })
    const id = await b.submit()
    expect(await b.drive(failing.runOne(id))).toEqual({ kind: 'finished', status: 'failed' })
    expect((await b.store.read(id)).error).toMatchObject({ code: 'provider_unauthorized', message: 'The credentials are gone.' })
  })
})

describe('describeSaga', () => {
  it('shows the steps, their undos, their budgets and the point of no return', () => {
    expect(describeSaga(build)).toBe(
      [
        'build (version 1)',
        '  #  step    undo     budget  what it does',
        '  1  gate    nothing  60 s    Make gate',
        '  2  frame   yes      60 s    Make frame',
        '  3  engine  yes      60 s    Make engine',
        '  ──── point of no return: from here on it only rolls forward ────',
        '  4  paint   -        60 s    Make paint',
        '  5  sign    -        60 s    Make sign',
      ].join('\n'),
    )
  })
})
