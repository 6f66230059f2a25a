import { PrismaPg } from '@prisma/adapter-pg'
import type { Database, Stores } from '@understudy/control'
import { isAppError } from '@understudy/core'
import type { Clock } from '@understudy/core'
import { FencedOff } from '@understudy/saga'
import { sqlState, translate } from './database-errors.ts'
import { PrismaClient } from './generated/client.ts'
import { joinedStores } from './joined-stores.ts'
import { deferredJournal, immediateJournal } from './journal.ts'
import type { Observe } from './observe.ts'
import { pgTransaction } from './pg-transaction.ts'
import { openPool, retried, retrying } from './pool.ts'
import { flushSagaWrites } from './saga-flush.ts'
import { sagaStore } from './saga-store.ts'
import type { SagaWrite } from './saga-writes.ts'
import { sqlOfPg, sqlOfPrisma } from './sql.ts'
import { storesOver, wrapped } from './stores.ts'
import type { Around } from './stores.ts'
import { WriteBatcher } from './write-batcher.ts'

export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string
  /** Connections for use-cases and reads; default 10. The engine's log has three of its own, so that no burst of requests can starve it. */
  readonly poolMax?: number
  /** Dates the audit rows of sagas, and measures. */
  readonly clock: Clock
  readonly observe?: Observe
  /**
   * Has the server parse each statement once per connection instead of each time. Not for production: a statement whose list of ids has
   * another length is another statement, and the server would keep them all. Default false.
   */
  readonly preparesStatements?: boolean
  /** How long a free connection, or a new one, is waited for; default 5 s. More where nobody waits for an answer. */
  readonly connectTimeoutMs?: number
}

const sagaPoolMax = 3
const batchMax = 500
/** How long a transaction waits for a connection, and how long it may take. */
const transactionLimits = { maxWait: 10_000, timeout: 30_000 }

/** Opens the database lazily: connections are made when they are needed. Throws nothing; `ping` tells whether the server answers. */
export function openDatabase(options: DatabaseOptions): Database {
  const observe: Observe = options.observe ?? (() => undefined)
  const pool = openPool(options.url, options.poolMax ?? 10, observe, options)
  const sagaPool = openPool(options.url, sagaPoolMax, observe, { ...options, pipeline: true })
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })
  const around = observed(options.clock, observe)
  const limits = { ...transactionLimits, maxWait: Math.max(transactionLimits.maxWait, options.connectTimeoutMs ?? 0) }
  const isDivisible = (error: unknown): boolean => !isAppError(translate(error), 'unavailable')
  const batcher = new WriteBatcher<SagaWrite>({ flush: (writes) => flush(writes), batchMax, isDivisible })

  async function flush(writes: readonly SagaWrite[]) {
    const startedMs = options.clock.nowMs()
    const plan = await retried(observe, () => pgTransaction(sagaPool, (sql) => flushSagaWrites(sql, writes, options.clock.nowMs())))
    observe({ type: 'flush', writes: writes.length, events: plan.sagaEvents.length, durationMs: options.clock.nowMs() - startedMs })
    return plan.outcomes
  }

  return {
    stores: joinedStores(
      storesOver(
        prisma,
        retrying(observe, sqlOfPrisma(prisma)),
        immediateJournal((work) => retried(observe, () => pgTransaction(pool, work))),
        around,
      ),
      retrying(observe, sqlOfPg(pool)),
      around,
      isDivisible,
    ),
    sagas: wrapped(
      'sagas',
      sagaStore(retrying(observe, sqlOfPg(sagaPool)), (write) => batcher.submit(write)),
      around,
    ),
    transaction: (work) => around('transaction', () => retried(observe, () => prismaTransaction(prisma, around, work, limits))),
    ping: () => around('ping', async () => void (await pool.query('select 1'))),
    async close() {
      await batcher.drain()
      await prisma.$disconnect()
      await Promise.all([pool.end(), sagaPool.end()])
    },
  }
}

/** Measures, and turns what the drivers throw into what callers may meet. */
const observed =
  (clock: Clock, observe: Observe): Around =>
  async (name, call) => {
    const startedMs = clock.nowMs()
    try {
      const result = await call()
      observe({ type: 'call', name, durationMs: clock.nowMs() - startedMs, failed: false })
      return result
    } catch (error) {
      observe({ type: 'call', name, durationMs: clock.nowMs() - startedMs, failed: !(error instanceof FencedOff) })
      throw translate(error)
    }
  }

function prismaTransaction<T>(
  prisma: PrismaClient,
  around: Around,
  work: (stores: Stores) => Promise<T>,
  limits: typeof transactionLimits,
): Promise<T> {
  return prisma.$transaction(async (tx) => {
    const sql = sqlOfPrisma(tx)
    const journal = deferredJournal(sql)
    const failures: unknown[] = []
    const noting: Around = async (name, call) => {
      try {
        return await around(name, call)
      } catch (error) {
        if (sqlState(error) !== undefined) failures.push(error)
        throw error
      }
    }
    const result = await work(storesOver(tx, sql, journal, noting))
    // After a failed statement PostgreSQL turns a commit into a rollback, without a word. Work that has caught the error must not be
    // told that its other changes are in.
    if (failures.length > 0) throw failures[0]
    await journal.settle()
    return result
  }, limits)
}
