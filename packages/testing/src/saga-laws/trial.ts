import { seededRandom, sleep, VirtualClock } from '@understudy/core'
import type { Json } from '@understudy/core'
import { classifyAppError, createRunner, foldLog, runnable } from '@understudy/saga'
import type { Classify, FoldedLog, OperationStatus, Runner, Saga, SagaEvent, SagaStore, StepFailure } from '@understudy/saga'
import { createMapStore, drive } from '@understudy/saga/testing'
import type { Submission } from '@understudy/saga/testing'
import { expect } from 'vitest'

/** What the laws need to know about one run of the saga. Every law makes its own. */
export interface LawWorld<Deps> {
  readonly deps: Deps
  readonly params: Json
  /** Throws unless the saga's effects are all there, once. `outputs` are those of all steps by name. */
  expectDone(outputs: Readonly<Record<string, Json>>): Promise<void> | void
  /** Throws unless the world is as it was before the saga. */
  expectCleanSlate(): Promise<void> | void
  close?(): Promise<void> | void
  /** The world's own clock, when its parts take time; the laws move it. */
  readonly clock?: VirtualClock
  /** Resolves when nothing outside the process is under way any more but what waits for the clock. Needed when `deps` do real input and output. */
  settle?(): Promise<void>
  /** Time the operation has, from its creation. Default: no deadline. */
  readonly deadlineInMs?: number
}

/** A saga store with the desk the laws need; any implementation of the contract will do. */
export interface LawStore {
  readonly store: SagaStore
  submit(operation: Submission): Promise<string>
  read(id: string): Promise<{
    readonly status: OperationStatus
    readonly events: readonly SagaEvent[]
    readonly output: Json | undefined
    readonly error: StepFailure | undefined
  }>
  requestCancel(id: string): Promise<void>
  close?(): Promise<void>
}

export interface LawOptions<Deps> {
  readonly makeWorld: () => Promise<LawWorld<Deps>>
  /** How the application classifies errors. Default: `AppError` by its kind. */
  readonly classify?: Classify
  /** An error `classify` calls transient. Default: one of the laws' own. */
  readonly transientFailure?: () => Error
  /** Steps the laws of failures, crashes and cancellations are tried at. Default: all. */
  readonly faultsAt?: readonly string[]
  /**
   * Set where another scene has all laws of the same saga: the steps that only this one runs. Of the other steps, those laws are left out
   * that differ from another one only in how the engine came to the same state of the world. What stays for each is a crash in front of
   * its effect and one behind it, a failure on either side with every undo twice, a cancellation, and a crash within its undo; behind the
   * point of no return, both crashes and a failure. Default: all laws at all steps.
   */
  readonly newSteps?: readonly string[]
  /** Default: a store in memory. */
  readonly makeStore?: () => Promise<LawStore>
}

/** An error of the laws' own. */
export class LawFailure extends Error {
  readonly transient: boolean
  constructor(transient: boolean) {
    super(`the laws let this fail ${transient ? 'for now' : 'for good'}`)
    this.name = 'LawFailure'
    this.transient = transient
  }
}

export const leaseMs = 30_000

export interface Trial<Deps, Params> {
  readonly world: LawWorld<Deps>
  readonly store: SagaStore
  readonly clock: VirtualClock
  readonly id: string
  /** A runner with an id nobody had before. `variant` stands in for the saga. */
  runner(variant: Saga<Deps, Params>, store?: SagaStore): Runner
  /** Lets time pass until the promise settles. */
  drive<T>(work: Promise<T>): Promise<T>
  /** Runs the operation to its end, waiting for leases to run out and for delays to pass. */
  untilEnded(runner: Runner): Promise<void>
  requestCancel(): Promise<void>
  state(): Promise<{ readonly status: OperationStatus; readonly log: FoldedLog; readonly events: readonly SagaEvent[] }>
  expectDone(): Promise<void>
  expectUnwound(status: 'failed' | 'cancelled'): Promise<void>
}

/** Makes a world and a store, submits the operation, calls `body`, and cleans up whatever happens. */
export async function trial<Deps, Params>(
  saga: Saga<Deps, Params>,
  options: LawOptions<Deps>,
  body: (trial: Trial<Deps, Params>) => Promise<void>,
): Promise<void> {
  const world = await options.makeWorld()
  const kept = await (options.makeStore ?? mapLawStore)()
  try {
    await body(await prepare(saga, options, world, kept))
  } finally {
    await world.close?.()
    await kept.close?.()
  }
}

async function prepare<Deps, Params>(
  saga: Saga<Deps, Params>,
  options: LawOptions<Deps>,
  world: LawWorld<Deps>,
  kept: LawStore,
): Promise<Trial<Deps, Params>> {
  const clock = world.clock ?? new VirtualClock()
  const createdMs = clock.nowMs()
  const traffic = counting(kept.store)
  const deadline = world.deadlineInMs === undefined ? {} : { deadlineMs: createdMs + world.deadlineInMs }
  const id = await kept.submit({ saga: saga.name, version: saga.version, params: world.params, createdMs, ...deadline })
  let runners = 0
  const classify: Classify = (error) => {
    if (error instanceof LawFailure) return { code: 'law_failure', message: error.message, transient: error.transient }
    return (options.classify ?? classifyAppError)(error)
  }
  const settle = async (): Promise<void> => {
    do {
      await turn()
      await turn()
      await world.settle?.()
    } while (traffic.inFlight() > 0)
  }
  const state: Trial<Deps, Params>['state'] = async () => {
    const { status, events } = await kept.read(id)
    return { status, events, log: foldLog(saga, events, { operationId: id }) }
  }
  const driven = <T>(work: Promise<T>): Promise<T> => drive(clock, work, { settle })
  return {
    world,
    store: traffic.store,
    clock,
    id,
    state,
    drive: driven,
    requestCancel: () => traffic.counted(() => kept.requestCancel(id)),
    runner: (variant, store = traffic.store) =>
      createRunner({
        store,
        sagas: [runnable(variant, () => world.deps)],
        clock,
        random: seededRandom(++runners),
        runnerId: `laws-${runners}`,
        classify,
        leaseMs,
      }),
    untilEnded: (runner) => driven(untilEnded(runner, id, clock)),
    async expectDone() {
      const { status, error, output } = await kept.read(id)
      expect({ status, error }, 'the operation has not succeeded').toEqual({ status: 'succeeded', error: undefined })
      expect((await state()).log.phase).toBe('done')
      await world.expectDone(output as Readonly<Record<string, Json>>)
    },
    async expectUnwound(expected) {
      const { status, events, error } = await kept.read(id)
      expect(status, `the operation has not ended ${expected}: ${JSON.stringify(error)}`).toBe(expected)
      expect(events.filter((event) => event.type === 'undo_failed')).toEqual([])
      expect((await state()).log.undoNext, 'a step was left without its undo').toBeUndefined()
      await world.expectCleanSlate()
    },
  }
}

async function untilEnded(runner: Runner, id: string, clock: VirtualClock): Promise<void> {
  for (let claims = 1; claims <= 100; claims++) {
    const outcome = await runner.runOne(id)
    if (outcome?.kind === 'finished') return
    const waitMs = outcome?.kind === 'released' ? outcome.notBeforeMs - clock.nowMs() : leaseMs + 1
    await sleep(clock, waitMs)
  }
  throw new Error('the operation has not ended after 100 claims')
}

/** Time stands still while the store is at work: a slow database must not look like an expired lease. */
function counting(store: SagaStore): {
  readonly store: SagaStore
  readonly inFlight: () => number
  readonly counted: <T>(call: () => Promise<T>) => Promise<T>
} {
  let calls = 0
  const counted = async <T>(call: () => Promise<T>): Promise<T> => {
    calls++
    try {
      return await call()
    } finally {
      calls--
    }
  }
  return {
    inFlight: () => calls,
    counted,
    store: {
      claim: (options) => counted(() => store.claim(options)),
      renew: (options) => counted(() => store.renew(options)),
      append: (operation, events, audit) => counted(() => store.append(operation, events, audit)),
      note: (operation, entry) => counted(() => store.note(operation, entry)),
      finish: (operation, result) => counted(() => store.finish(operation, result)),
      release: (operation, options) => counted(() => store.release(operation, options)),
    },
  }
}

async function mapLawStore(): Promise<LawStore> {
  const store = createMapStore()
  return { store, submit: (operation) => store.submit(operation), read: (id) => store.read(id), requestCancel: (id) => store.requestCancel(id) }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
