import { randomIds, VirtualClock } from '@understudy/core'
import type { Clock } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { countedDatabase, createTestDatabase, InFlight } from '@understudy/testing'
import type { TestDatabase } from '@understudy/testing'
import type { LawStore } from '@understudy/testing/saga-laws'
import { afterAll, beforeAll } from 'vitest'
import type { Database } from '../database.ts'

/** One real database for a test file, whose time is that of the world that was made last. */
export interface LawBench {
  readonly database: Database
  readonly inFlight: InFlight
  readonly projectId: string
  /** A clock of its own for a new world. */
  startClock(): VirtualClock
  /** The engine's log in this database. */
  makeStore(): Promise<LawStore>
}

/** Call it at the top level of a test file. */
export function useLawBench(): LawBench {
  let own: TestDatabase | undefined
  let real: Database | undefined
  let counting: Database | undefined
  let clock = new VirtualClock()
  const inFlight = new InFlight()
  const projectId = randomIds.next('project')
  const present: Clock = { nowMs: () => clock.nowMs(), schedule: (delayMs, fire) => clock.schedule(delayMs, fire) }
  beforeAll(async () => {
    own = await createTestDatabase()
    real = openDatabase({ url: own.url, poolMax: 4, clock: present, preparesStatements: true, connectTimeoutMs: 60_000 })
    counting = countedDatabase(real, inFlight)
    await real.stores.access.insertProject({ id: projectId, name: 'laws', createdAt: new Date(clock.nowMs()) })
  })
  afterAll(async () => {
    await real?.close()
    await own?.drop()
  })
  const opened = (): Database => {
    if (counting === undefined) throw new Error('the database is opened before the tests, not before')
    return counting
  }
  return {
    get database() {
      return opened()
    },
    inFlight,
    projectId,
    startClock() {
      clock = new VirtualClock()
      return clock
    },
    makeStore: () => Promise.resolve(lawStore(opened(), projectId)),
  }
}

function lawStore(database: Database, projectId: string): LawStore {
  const { operations } = database.stores
  return {
    store: database.sagas,
    async submit({ saga: kind, version, params, createdMs = 0, deadlineMs, priority = 20 }) {
      const createdAt = new Date(createdMs)
      const id = randomIds.next('operation')
      const operation: Parameters<typeof operations.insertUnlocked>[0][number] = {
        ...{ id, projectId, kind, version, params, priority, createdAt, updatedAt: createdAt, status: 'pending' },
        ...{ resourceId: undefined, shadowId: undefined, plan: null, planHash: undefined, lockKey: undefined },
        ...{ requestedBy: 'system:laws', reason: 'the laws', startedAt: undefined, finishedAt: undefined, error: undefined, output: null },
        deadline: deadlineMs === undefined ? undefined : new Date(deadlineMs),
        cancelRequestedAt: undefined,
      }
      await operations.insertUnlocked([operation])
      return id
    },
    async read(id) {
      const found = await operations.findById(id)
      if (found === undefined) throw new Error(`there is no operation ${id}`)
      const { events } = await operations.timeline(id)
      return { status: found.status, error: found.error, output: found.output, events }
    },
    async requestCancel(id) {
      await operations.requestCancel(id, new Date())
    },
  }
}
