import { seededRandom, sleep, VirtualClock } from '@understudy/core'
import type { Json } from '@understudy/core'
import { z } from 'zod'
import { saga } from './definition.ts'
import type { StepContext, StepDefinition } from './definition.ts'
import { classifyAppError } from './failure.ts'
import type { RunnerEvent } from './observe.ts'
import { runnable } from './registry.ts'
import { createRunner } from './runner.ts'
import type { Runner, RunnerOptions } from './runner.ts'
import { isFinal } from './store.ts'
import type { SagaStore } from './store.ts'
import { createMapStore } from './testing-store.ts'
import type { MapStore, Submission } from './testing-store.ts'
import { drive } from './testing-drive.ts'

export type AnyStepContext = StepContext<unknown, object>

/** A small world: a set of things that exist, a line per call, and a script of what goes wrong. */
export class Workshop {
  readonly things = new Set<string>()
  readonly calls: string[] = []
  /** Called in front of each effect; throws or waits to make something go wrong. */
  before: (call: string, context: AnyStepContext) => Promise<void> | void = () => undefined
  /** Called behind each effect. */
  after: (call: string, context: AnyStepContext) => Promise<void> | void = () => undefined

  async make(thing: string, context: AnyStepContext): Promise<void> {
    this.calls.push(`make ${thing}`)
    await this.before(`make ${thing}`, context)
    this.things.add(thing)
    await this.after(`make ${thing}`, context)
  }

  async remove(thing: string, context: AnyStepContext): Promise<void> {
    this.calls.push(`remove ${thing}`)
    await this.before(`remove ${thing}`, context)
    this.things.delete(thing)
    await this.after(`remove ${thing}`, context)
  }
}

type MakingStep = Omit<StepDefinition<Workshop, Params, object, Json>, 'when'>

const making = (thing: string, more: Partial<MakingStep> = {}): MakingStep => ({
  title: `Make ${thing}`,
  budget: { maxMs: 60_000 },
  async run(shop, context) {
    await shop.make(thing, context)
    return { thing }
  },
  async undo(shop, context) {
    await shop.remove(thing, context)
  },
  ...more,
})

const paramsSchema = z.object({ name: z.string() })
type Params = z.infer<typeof paramsSchema>

/** gate (nothing to undo), frame, engine ‖ paint, sign. */
export const build = saga<Workshop, Params>('build', { version: 1, params: paramsSchema })
  .step('gate', making('gate', { undo: 'nothing-to-undo', run: async () => null }))
  .step('frame', making('frame'))
  .step('engine', making('engine'))
  .commit()
  .step('paint', making('paint'))
  .step('sign', making('sign'))
  .end()

/** The same without a point of no return. */
export const assemble = saga<Workshop, Params>('assemble', { version: 1, params: paramsSchema })
  .step('frame', making('frame'))
  .step('engine', making('engine'))
  .end()

/** Its second step can wait. */
export const deliver = saga<Workshop, Params>('deliver', { version: 1, params: paramsSchema })
  .step('rescue', making('rescue'))
  .step('tidy', making('tidy', { unhurried: true }))
  .end()

export interface Bench {
  readonly clock: VirtualClock
  readonly store: MapStore
  readonly shop: Workshop
  readonly seen: RunnerEvent[]
  readonly types: () => string[]
  runner(options?: Partial<RunnerOptions>): Runner
  submit(submission?: Partial<Submission>): Promise<string>
  drive<T>(work: Promise<T>): Promise<T>
  log(id: string): Promise<string[]>
}

export function bench(over: { readonly wrap?: (store: SagaStore) => SagaStore } = {}): Bench {
  const clock = new VirtualClock()
  const store = createMapStore()
  const shop = new Workshop()
  const seen: RunnerEvent[] = []
  let runners = 0
  return {
    clock,
    store,
    shop,
    seen,
    types: () => seen.map((event) => event.type),
    runner: (options) =>
      createRunner({
        store: over.wrap ? over.wrap(store) : store,
        sagas: [runnable(build, () => shop), runnable(assemble, () => shop), runnable(deliver, () => shop)],
        clock,
        random: seededRandom(7),
        runnerId: `runner-${++runners}`,
        classify: classifyAppError,
        observe: (event) => seen.push(event),
        ...options,
      }),
    submit: (submission) => store.submit({ saga: 'build', version: 1, params: { name: 'cart' }, createdMs: clock.nowMs(), ...submission }),
    drive: (work) => drive(clock, work),
    async log(id) {
      const { events } = await store.read(id)
      return events.map((event) => `${event.step} ${event.type}`)
    },
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Resolves when the operation needs no runner any more: it has ended, or is stuck. */
export async function ended(b: Bench, id: string): Promise<void> {
  for (;;) {
    const { status } = await b.store.read(id)
    if (isFinal(status) || status === 'stuck') return
    await sleep(b.clock, 100)
  }
}
