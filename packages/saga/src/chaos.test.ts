import { AppError, pick, seededRandom, sleep, VirtualClock } from '@understudy/core'
import type { Random } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { saga } from './definition.ts'
import type { StepContext, StepDefinition } from './definition.ts'
import { classifyAppError } from './failure.ts'
import { foldLog } from './fold.ts'
import { runnable } from './registry.ts'
import { createRunner } from './runner.ts'
import type { Runner } from './runner.ts'
import { isFinal } from './store.ts'
import type { SagaStore } from './store.ts'
import { createMapStore } from './testing-store.ts'
import { drive } from './testing-drive.ts'

/** Effects of many operations, which take time, fail, and succeed without saying so. Each seed is another course of events. */
class Chaos {
  readonly clock = new VirtualClock()
  readonly store = createMapStore()
  readonly things = new Map<string, Set<string>>()
  readonly #acting = new Map<string, number>()
  readonly random: Random
  overlaps = 0
  faults = true
  effects = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  chance(probability: number): boolean {
    return this.faults && this.random.next() < probability
  }

  async act(context: StepContext<unknown, object>, effect: (things: Set<string>) => void): Promise<void> {
    const { operationId, signal } = context
    const things = this.things.get(operationId) ?? new Set()
    this.things.set(operationId, things)
    const acting = (this.#acting.get(operationId) ?? 0) + 1
    this.#acting.set(operationId, acting)
    if (acting > 1) this.overlaps++
    try {
      await context.audit({ action: 'chaos.act', target: context.step })
      this.maybeFail()
      await sleep(this.clock, this.chance(0.05) ? 45_000 : this.random.int(0, 3_000), signal)
      effect(things)
      this.effects++
      this.maybeFail()
    } finally {
      this.#acting.set(operationId, this.#acting.get(operationId)! - 1)
    }
  }

  maybeFail(): void {
    if (this.chance(0.08)) throw new AppError('unavailable', 'Not now.')
    if (this.chance(0.02)) throw new AppError('conflict', 'Never.')
    if (this.chance(0.01)) throw new Error('a bug')
  }

  /** The store as one runner sees it: calls take time and fail before or after they were done, and at some point all of them do. */
  flaky(): SagaStore {
    let dead = false
    const through = async <T>(call: () => Promise<T>): Promise<T> => {
      if (this.chance(0.01)) dead = true
      if (dead || this.chance(0.01)) throw new Error('connection refused')
      if (this.chance(0.2)) await sleep(this.clock, this.random.int(1, 500))
      const answer = await call()
      if (this.chance(0.01)) throw new Error('connection reset')
      return answer
    }
    const { store } = this
    return {
      claim: (options) => through(() => store.claim(options)),
      renew: (options) => through(() => store.renew(options)),
      append: (...args) => through(() => store.append(...args)),
      note: (...args) => through(() => store.note(...args)),
      finish: (...args) => through(() => store.finish(...args)),
      release: (...args) => through(() => store.release(...args)),
    }
  }
}

const names = ['ids', 'disk', 'machine', 'traffic', 'rename', 'retire'] as const
const step = (name: string): Omit<StepDefinition<Chaos, object, object, null>, 'when'> => ({
  title: name,
  budget: { maxMs: 40_000 },
  run: async (chaos, context) => {
    await chaos.act(context, (things) => things.add(name))
    return null
  },
  undo: async (chaos, context) => await chaos.act(context, (things) => things.delete(name)),
})
const chaotic = saga<Chaos, object>('chaotic', { version: 1, params: z.object({}) })
  .step('ids', step('ids'))
  .step('disk', step('disk'))
  .step('machine', step('machine'))
  .step('traffic', step('traffic'))
  .commit()
  .step('rename', step('rename'))
  .step('retire', step('retire'))
  .end()

async function play(seed: number): Promise<Chaos> {
  const chaos = new Chaos(seed)
  const { clock, store, random } = chaos
  let made = 0
  const runner = (flaky: boolean): Runner => {
    const options = { store: flaky ? chaos.flaky() : store, runnerId: `runner-${++made}`, random: seededRandom(seed + made) }
    return createRunner({
      ...options,
      sagas: [runnable(chaotic, () => chaos)],
      clock,
      classify: classifyAppError,
      concurrencyMax: 4,
      roundsMax: 4,
      undoAttemptsMax: 3,
    })
  }
  const ids: string[] = []
  for (let index = 0; index < 12; index++) {
    const deadline = chaos.chance(0.2) ? { deadlineMs: clock.nowMs() + 15_000 } : {}
    ids.push(await store.submit({ saga: 'chaotic', version: 1, params: {}, createdMs: clock.nowMs(), ...deadline }))
  }
  const settled = async (): Promise<boolean> => (await Promise.all(ids.map((id) => store.read(id)))).every(({ status }) => isFinal(status))
  const troubled = async (): Promise<void> => {
    let runners = [runner(true), runner(true), runner(true)]
    for (let round = 0; round < 40; round++) {
      await Promise.all(runners.map((each) => each.wake()))
      if (chaos.chance(0.2)) runners = [...runners.slice(1), runner(true)]
      if (chaos.chance(0.15)) void runners[0]!.drain()
      if (chaos.chance(0.2)) await store.requestCancel(pick(random, ids))
      for (const { id, status } of store.operations.values()) if (status === 'stuck' && chaos.chance(0.3)) await store.resume(id)
      await sleep(clock, 5_000)
    }
  }
  await drive(clock, troubled())
  chaos.faults = false
  const calm = async (): Promise<void> => {
    const last = runner(false)
    for (let round = 0; round < 200 && !(await settled()); round++) {
      for (const { id, status } of store.operations.values()) if (status === 'stuck') await store.resume(id)
      await last.wake()
      await sleep(clock, 10_000)
    }
    await last.drain()
  }
  await drive(clock, calm())
  return chaos
}

describe('many operations, several runners, and everything that can go wrong', () => {
  it.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    'with seed %i: every operation ends, whole or undone, and nobody works on one together',
    async (seed) => {
      const { store, things, overlaps, effects } = await play(seed)
      expect(overlaps, 'two runners acted for one operation at the same time').toBe(0)
      expect(effects).toBeGreaterThan(0)
      for (const operation of store.operations.values()) {
        const { phase, committed } = foldLog(chaotic, operation.events, { operationId: operation.id, roundsMax: 4 })
        const left = [...(things.get(operation.id) ?? [])].sort()
        if (operation.status === 'succeeded') expect({ phase, left }).toEqual({ phase: 'done', left: [...names].sort() })
        else expect({ id: operation.id, left, committed }).toEqual({ id: operation.id, left: [], committed: false })
        expect(['succeeded', 'failed', 'cancelled']).toContain(operation.status)
      }
    },
  )

  it('comes to every kind of end', async () => {
    const statuses = new Set<string>()
    const seen = { resumed: false, undone: false, rounds: false }
    for (const seed of [1, 2, 3, 4]) {
      for (const { status, events, generation } of (await play(seed)).store.operations.values()) {
        statuses.add(status)
        seen.resumed ||= generation > 2
        seen.undone ||= events.some((event) => event.type === 'undo_finished')
        seen.rounds ||= events.some((event) => event.type === 'failed' && event.step === 'rename')
      }
    }
    expect([...statuses].sort()).toEqual(['cancelled', 'failed', 'succeeded'])
    expect(seen).toEqual({ resumed: true, undone: true, rounds: true })
  })
})
