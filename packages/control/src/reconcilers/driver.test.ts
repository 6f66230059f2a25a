import { VirtualClock } from '@understudy/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Control } from '../context.ts'
import type { ReconcilerRun } from '../operations/reconciler.store.ts'
import { hostReconcilers } from './driver.ts'
import type { ReconcilerHost } from './driver.ts'
import type { Reconciler } from './reconciler.ts'

/** The rights to run, as the store keeps them, and what was recorded. */
class Rights {
  readonly #taken = new Map<string, { readonly runner: string; readonly untilMs: number }>()
  readonly recorded: ReconcilerRun[] = []
  fails = false
  take(name: string, runner: string, at: Date, until: Date): Promise<boolean> {
    if (this.fails) return Promise.reject(new Error('the database is away'))
    const taken = this.#taken.get(name)
    if (taken && taken.runner !== runner && taken.untilMs > at.getTime()) return Promise.resolve(false)
    this.#taken.set(name, { runner, untilMs: until.getTime() })
    return Promise.resolve(true)
  }
  record(run: ReconcilerRun): Promise<void> {
    if (this.fails) return Promise.reject(new Error('the database is away'))
    this.recorded.push(run)
    return Promise.resolve()
  }
  list(): Promise<readonly ReconcilerRun[]> {
    return Promise.resolve(this.recorded)
  }
}

let clock: VirtualClock
let rights: Rights
let errors: string[]
let hosts: ReconcilerHost[]
beforeEach(() => {
  clock = new VirtualClock()
  rights = new Rights()
  errors = []
  hosts = []
})
afterEach(() => Promise.all(hosts.map((host) => host.stop())))

function host(runner: string, reconciler: Reconciler): ReconcilerHost {
  // The driver uses nothing else of it.
  const control = { clock, database: { stores: { reconcilers: rights } } } as unknown as Control
  const made = hostReconcilers(control, [reconciler], { runner, onError: (name, error) => errors.push(`${name}: ${String(error)}`) })
  hosts.push(made)
  return made
}

/** One that notes when it ran, and may be told to take its time or to fail. */
function counting(pass: () => Promise<{ result: null; runAgainInMs?: number }> = () => Promise.resolve({ result: null })) {
  const startedMs = clock.nowMs()
  const at: number[] = []
  const reconciler: Reconciler = {
    name: 'things',
    everyMs: 10_000,
    passMaxMs: 60_000,
    pass: () => {
      at.push(clock.nowMs() - startedMs)
      return pass()
    },
  }
  return { reconciler, at }
}
/** A pass that lasts until it is let go. */
function lasting() {
  let finish = (): void => undefined
  const things = counting(
    () =>
      new Promise((resolve) => {
        finish = () => resolve({ result: null })
      }),
  )
  return { ...things, finish: () => finish() }
}

describe('a reconciler', () => {
  test('runs at once, then on its schedule, and says what it found', async () => {
    const { reconciler, at } = counting()
    host('a', reconciler)
    await clock.advanceAsync(25_000)
    expect(at).toEqual([0, 10_000, 20_000])
    expect(rights.recorded.at(-1)).toMatchObject({ name: 'things', lastError: undefined, nextRunAt: new Date(clock.nowMs() + 5000) })
  })

  test('may ask to be run earlier', async () => {
    const { reconciler, at } = counting(() => Promise.resolve({ result: null, runAgainInMs: 2000 }))
    host('a', reconciler)
    await clock.advanceAsync(5000)
    expect(at).toEqual([0, 2000, 4000])
  })

  test('runs when it is woken, and its schedule begins anew', async () => {
    const { reconciler, at } = counting()
    const driver = host('a', reconciler)
    await clock.advanceAsync(4000)
    driver.wake('things')
    driver.wake('something else')
    await clock.advanceAsync(10_000)
    expect(at).toEqual([0, 4000, 14_000])
  })

  test('that is woken while it runs, however often, runs once more', async () => {
    const { reconciler, at, finish } = lasting()
    const driver = host('a', reconciler)
    await clock.advanceAsync(1000)
    driver.wake('things')
    driver.wake('things')
    await clock.advanceAsync(1000)
    expect(at).toEqual([0])
    finish()
    await clock.advanceAsync(1000)
    expect(at).toEqual([0, 2000])
    finish()
    await clock.advanceAsync(5000)
    expect(at).toEqual([0, 2000])
  })

  test('that fails is recorded with its error and tried again on schedule', async () => {
    const { reconciler, at } = counting(() => Promise.reject(new Error('no luck')))
    host('a', reconciler)
    await clock.advanceAsync(10_000)
    expect(at).toEqual([0, 10_000])
    expect(rights.recorded[0]).toMatchObject({ lastError: 'no luck', lastSuccessAt: undefined })
    expect(errors).toEqual(['things: Error: no luck', 'things: Error: no luck'])
  })

  test('outlives a database that is away', async () => {
    const { reconciler, at } = counting()
    host('a', reconciler)
    await clock.advanceAsync(1000)
    rights.fails = true
    await clock.advanceAsync(20_000)
    expect(at).toEqual([0])
    rights.fails = false
    await clock.advanceAsync(10_000)
    expect(at).toEqual([0, 30_000])
    expect(errors[0]).toBe('things: Error: the database is away')
  })

  test('runs no more once its host has stopped, which waits for the pass under way', async () => {
    const { reconciler, at, finish } = lasting()
    const driver = host('a', reconciler)
    await clock.advanceAsync(0)
    let stopped = false
    const stopping = driver.stop().then(() => {
      stopped = true
    })
    await clock.advanceAsync(1000)
    expect(stopped).toBe(false)
    finish()
    await clock.advanceAsync(60_000)
    await stopping
    driver.wake('things')
    await clock.advanceAsync(60_000)
    expect(at).toEqual([0])
  })
})

describe('of two workers', () => {
  test('one runs a pass at a time, and the other looks for itself when it is over', async () => {
    const first = lasting()
    host('a', first.reconciler)
    await clock.advanceAsync(0)
    const second = counting()
    host('b', second.reconciler)
    await clock.advanceAsync(50_000)
    expect(second.at, 'a long pass keeps its right').toEqual([])
    first.finish()
    await clock.advanceAsync(1000)
    expect(second.at).toHaveLength(1)
  })

  test('the one that is woken does not wait for the other one’s schedule', async () => {
    const first = counting()
    host('a', first.reconciler)
    await clock.advanceAsync(1000)
    const second = counting()
    const other = host('b', second.reconciler)
    await clock.advanceAsync(1000)
    other.wake('things')
    await clock.advanceAsync(0)
    expect(second.at).toEqual([0, 1000])
  })

  test('one that dies in the middle of a pass is replaced within seconds', async () => {
    // As its row stands after a crash: the right taken a moment ago by somebody who will never give it back.
    await rights.take('things', 'dead', new Date(clock.nowMs()), new Date(clock.nowMs() + 15_000))
    const { reconciler, at } = counting()
    host('b', reconciler)
    await clock.advanceAsync(20_000)
    expect(at[0]).toBe(15_000)
  })

  test('one whose pass lasts longer than any may loses its right', async () => {
    const first = lasting()
    host('a', first.reconciler)
    await clock.advanceAsync(0)
    const second = counting()
    host('b', second.reconciler)
    await clock.advanceAsync(59_000)
    expect(second.at).toEqual([])
    await clock.advanceAsync(2000)
    expect(second.at).toHaveLength(1)
    first.finish()
  })
})
