import type { Clock, Random } from '@understudy/core'
import { within } from '@understudy/core'
import { execute } from './execution.ts'
import type { Engine, Outcome } from './ending.ts'
import type { Classify } from './failure.ts'
import { defaultRoundsMax } from './fold.ts'
import { Held } from './held.ts'
import { createLeases } from './leases.ts'
import type { Leases } from './leases.ts'
import { quietly } from './observe.ts'
import type { Observe } from './observe.ts'
import { createRegistry } from './registry.ts'
import type { RunnableSaga } from './registry.ts'
import { createLookout } from './lookout.ts'
import type { ClaimFilter } from './lookout.ts'
import { createSlots } from './slots.ts'
import type { SagaStore } from './store.ts'
import { Writer } from './writer.ts'

export interface RunnerOptions {
  readonly store: SagaStore
  readonly sagas: readonly RunnableSaga[]
  readonly clock: Clock
  readonly random: Random
  /** Names this process among all runners; never used by two at a time. */
  readonly runnerId: string
  readonly classify: Classify
  readonly observe?: Observe
  /** Default 30 s. Renewed every quarter of it; also the longest a call of the store may take. */
  readonly leaseMs?: number
  /** Operations at a time. Default 16. */
  readonly concurrencyMax?: number
  /** Slots kept for operations of priority 10 and below. Default a quarter. */
  readonly urgentSlots?: number
  /** How long an action may ignore its aborted signal before it is left behind. Default 5 s. */
  readonly graceMs?: number
  /** Rounds of a failing step after the point of no return before a person is asked. Default 20. */
  readonly roundsMax?: number
  /** Default 10. */
  readonly undoAttemptsMax?: number
  /** The least time an undo gets, whatever its step's budget. Default 60 s. */
  readonly undoBudgetMs?: number
  /** How often a step may be cut off by a crash and resumed. Default 20. */
  readonly resumptionsMax?: number
  /** How long an operation of an unknown version is left to other runners before it is stuck. Default 0. */
  readonly unknownVersionGraceMs?: number
}

export interface ActiveOperation {
  readonly operationId: string
  readonly saga: string
  readonly generation: number
  readonly leaseUntilMs: number
}

export interface Runner {
  /**
   * Claims what is runnable now and starts it; resolves when nothing is left to claim or no slot is free, not when the
   * operations have ended. Calls that come while it works are answered by one more look. Never rejects: failures of the store are observed.
   */
  wake(): Promise<void>
  /** Claims and works on exactly this operation, whatever the slots; `undefined` when it cannot be claimed now. Rejects when the claim fails. */
  runOne(operationId: string): Promise<Outcome | undefined>
  /** Claims nothing more, lets running steps end, and gives the leases back at the next step boundary. Resolves when nothing is active. */
  drain(): Promise<void>
  /** Resolves when nothing is active and no claim is under way. */
  idle(): Promise<void>
  active(): readonly ActiveOperation[]
}

/** A runner works on operations of the sagas it knows. Any number of runners may share a store. Throws when a saga is registered twice. */
export function createRunner(options: RunnerOptions): Runner {
  const { store, clock, runnerId: runner, leaseMs = 30_000 } = options
  const observe = quietly(options.observe)
  const leases = createLeases({ store, clock, runner, leaseMs, observe })
  let draining = false
  const engine = createEngine(
    options,
    observe,
    leases,
    () => draining,
    (held) => lookout.stepAside(held),
  )
  const working = new Map<Held, Promise<Outcome>>()

  const claim = async (limit: number, only: ClaimFilter): Promise<Held[]> => {
    const nowMs = clock.nowMs()
    // What a claim brings after its lease has run out is left to the next one.
    const claiming = store.claim({ runner, limit, leaseMs, nowMs, sagas: engine.registry.names, ...only })
    const operations = await within(clock, leaseMs, claiming)
    return operations.map((operation) => new Held(operation, nowMs + leaseMs))
  }

  const start = (held: Held): Promise<Outcome> => {
    leases.add(held)
    const writer = new Writer({ store, clock, held, observe, timeoutMs: leaseMs })
    const work = executeObserved(engine, held, writer).finally(() => {
      leases.remove(held)
      working.delete(held)
    })
    working.set(held, work)
    return work
  }

  const lookout = createLookout({
    slots: createSlots(options.concurrencyMax ?? 16, options.urgentSlots),
    clock,
    claim,
    start,
    stopped: () => draining,
    onError: (error) => observe({ type: 'store_failed', call: 'claim', error }),
  })

  const idle = async (): Promise<void> => {
    for (let looking = lookout.looking(); looking || working.size > 0; looking = lookout.looking()) await Promise.all([looking, ...working.values()])
  }

  return {
    wake: lookout.wake,
    async runOne(operationId) {
      const [held] = await claim(1, { operationId })
      return held && (await start(held))
    },
    async drain() {
      draining = true
      await idle()
    },
    idle,
    active: () => [...working.keys()].map(activeView),
  }
}

function createEngine(options: RunnerOptions, observe: Observe, leases: Leases, draining: () => boolean, stepAside: Engine['stepAside']): Engine {
  return {
    clock: options.clock,
    random: options.random,
    classify: options.classify,
    observe,
    registry: createRegistry(options.sagas),
    graceMs: options.graceMs ?? 5_000,
    roundsMax: options.roundsMax ?? defaultRoundsMax,
    undoAttemptsMax: options.undoAttemptsMax ?? 10,
    undoBudgetMs: options.undoBudgetMs ?? 60_000,
    resumptionsMax: options.resumptionsMax ?? 20,
    unknownVersionGraceMs: options.unknownVersionGraceMs ?? 0,
    draining,
    askCancel: leases.askCancel,
    stepAside,
  }
}

async function executeObserved(engine: Engine, held: Held, writer: Writer): Promise<Outcome> {
  const { id: operationId, projectId, saga, generation, createdMs, events } = held.operation
  const waitedMs = engine.clock.nowMs() - createdMs
  engine.observe({ type: 'claimed', operationId, projectId, saga, generation, waitedMs, resumed: events.length > 0 })
  try {
    return await execute(engine, held, writer)
  } catch (error) {
    // A bug of the engine. Nothing more is written: the lease runs out and the log stays as it is.
    held.drop()
    engine.observe({ type: 'engine_failed', operationId, projectId, saga, error })
    return { kind: 'dropped' }
  }
}

function activeView({ operation, leaseUntilMs }: Held): ActiveOperation {
  return { operationId: operation.id, saga: operation.saga, generation: operation.generation, leaseUntilMs }
}
