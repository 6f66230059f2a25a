import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { isRetryable } from './database-errors.ts'
import type { Observe } from './observe.ts'
import { PreparingClient } from './preparing-client.ts'
import type { Sql } from './sql.ts'

/** So long a connection is waited for: one that is free, or a new one. */
const usualConnectTimeoutMs = 5000
/** Longer than the server's own limit below: it only fires when the server does not even say that it has given up. */
const answerTimeoutMs = 35_000

/**
 * Prisma's driver reads times as if every session were in UTC. No statement waits for locks for ever, and a transaction that its process
 * has forgotten does not hold them for ever.
 */
const sessionSettings = `set time zone 'UTC'; set statement_timeout = '30s'; set idle_in_transaction_session_timeout = '60s'`

export function openPool(
  url: string,
  max: number,
  observe: Observe,
  options: { readonly preparesStatements?: boolean; readonly connectTimeoutMs?: number; readonly pipeline?: boolean } = {},
): pg.Pool {
  const pool = new pg.Pool({
    ...(options.preparesStatements && { Client: PreparingClient }),
    connectionString: url,
    max,
    connectionTimeoutMillis: options.connectTimeoutMs ?? usualConnectTimeoutMs,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    ...(options.pipeline && { pipeline: true }),
    // The pool waits for the promise before it hands the connection out; its type does not say so.
    onConnect: (client) => client.query(sessionSettings) as unknown as void,
  })
  // An idle connection that the server closes emits an error outside of any call; without a listener it would end the process.
  pool.on('error', (error) => observe({ type: 'connection_lost', error }))
  return pool
}

const attemptsMax = 5
const pauseMs = 10

/**
 * Runs a transaction again when it lost against another one. The short pause lets the winner take the locks that the loser has just given
 * back. It is real time on purpose: what it waits for is another session of the server, which knows no other.
 */
export async function retried<T>(observe: Observe, transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction()
    } catch (error) {
      if (attempt >= attemptsMax || !isRetryable(error)) throw error
      observe({ type: 'retry', attempt, error })
      await setTimeout(pauseMs * attempt)
    }
  }
}

/** Outside a transaction a statement is one, and may be run again as such. */
export const retrying = (observe: Observe, sql: Sql): Sql => ({
  rows: (text, parameters) => retried(observe, () => sql.rows(text, parameters)),
  execute: (text, parameters) => retried(observe, () => sql.execute(text, parameters)),
})
