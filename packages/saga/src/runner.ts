import type { Clock, Random } from '@understudy/core'
import { execute } from './execution.ts'
import type { Engine, Outcome } from './execution.ts'
import type { Classify } from './failure.ts'
import { defaultRoundsMax } from './fold.ts'
import { Held } from './held.ts'
import { createLeases } from './leases.ts'
import { quietly } from './observe.ts'
import type { Observe } from './observe.ts'
import { createRegistry } from './registry.ts'
import type { RunnableSaga } from './registry.ts'
import { createSlots, urgentPriorityMax } from './slots.ts'
import type { SagaStore } from './store.ts'
import { within } from './within.ts'
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
  const registry = createRegistry(options.sagas)
  const slots = createSlots(options.concurrencyMax ?? 16, options.urgentSlots)
  const working = new Map<Held, Promise<Outcome>>()
  let draining = false
  const engine: Engine = {
    clock,
    random: options.random,
    classify: options.classify,
    observe,
    registry,
    graceMs: options.graceMs ?? 5_000,
    roundsMax: options.roundsMax ?? defaultRoundsMax,
    undoAttemptsMax: options.undoAttemptsMax ?? 10,
    undoBudgetMs: options.undoBudgetMs ?? 60_000,
    resumptionsMax: options.resumptionsMax ?? 20,
    unknownVersionGraceMs: options.unknownVersionGraceMs ?? 0,
    draining: () => draining,
    askCancel: leases.askCancel,
  }

  const claim = async (limit: number, only: { readonly priorityMax?: number; readonly operationId?: string }): Promise<Held[]> => {
    const nowMs = clock.nowMs()
    // What a claim brings after its lease has run out is left to the next one.
    const operations = await within(clock, leaseMs, store.claim({ runner, limit, leaseMs, nowMs, sagas: registry.names, ...only }))
    return operations.map((operation) => new Held(operation, nowMs + leaseMs))
  }

  const start = (held: Held): Promise<Outcome> => {
    const { id: operationId, projectId, saga, generation, createdMs, events } = held.operation
    leases.add(held)
    const writer = new Writer({ store, clock, held, observe, timeoutMs: leaseMs })
    observe({ type: 'claimed', operationId, projectId, saga, generation, waitedMs: clock.nowMs() - createdMs, resumed: events.length > 0 })
    const work = execute(engine, held, writer)
      .catch((error: unknown): Outcome => {
        // A bug of the engine. Nothing more is written: the lease runs out and the log stays as it is.
        held.drop()
        observe({ type: 'store_failed', call: 'execute', operationId, error })
        return { kind: 'dropped' }
      })
      .finally(() => {
        leases.remove(held)
        working.delete(held)
      })
    working.set(held, work)
    return work
  }

  const startInSlot = (held: Held): void => {
    const free = slots.take(held.operation.priority)
    void start(held).then((outcome) => {
      free()
      if (outcome.kind === 'released' && outcome.why !== 'drain') clock.schedule(outcome.notBeforeMs - clock.nowMs(), () => void wake())
      if (moreWaiting) void wake()
    })
  }

  let moreWaiting = false
  let looking: Promise<void> | undefined
  let lookAgain = false

  /** Fills the free slots. Claims again while a claim comes back full: there may be more. */
  const look = async (): Promise<void> => {
    moreWaiting = false
    while (!draining) {
      const anyFree = slots.freeForAny()
      const limit = anyFree > 0 ? anyFree : slots.freeForUrgent()
      if (limit <= 0) {
        moreWaiting = true
        return
      }
      const batch = await claim(limit, anyFree > 0 ? {} : { priorityMax: urgentPriorityMax })
      for (const held of batch) startInSlot(held)
      if (batch.length < limit) {
        moreWaiting ||= anyFree <= 0
        return
      }
    }
  }

  const lookUntilQuiet = async (): Promise<void> => {
    try {
      do {
        lookAgain = false
        await look()
      } while (lookAgain && !draining)
    } catch (error) {
      observe({ type: 'store_failed', call: 'claim', error })
    } finally {
      looking = undefined
    }
  }

  const wake = (): Promise<void> => {
    if (draining) return Promise.resolve()
    if (looking) lookAgain = true
    else looking = lookUntilQuiet()
    return looking
  }

  const idle = async (): Promise<void> => {
    while (looking || working.size > 0) await Promise.all([looking, ...working.values()])
  }

  return {
    wake,
    async runOne(operationId) {
      const [held] = await claim(1, { operationId })
      return held && (await start(held))
    },
    async drain() {
      draining = true
      await idle()
    },
    idle,
    active: () =>
      [...working.keys()].map(({ operation, leaseUntilMs }) => {
        return { operationId: operation.id, saga: operation.saga, generation: operation.generation, leaseUntilMs }
      }),
  }
}
