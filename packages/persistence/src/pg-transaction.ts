import type pg from 'pg'
import { sqlOfPg } from './sql.ts'
import type { Sql } from './sql.ts'

/**
 * One transaction on one connection. A connection whose rollback fails is thrown away. On a connection that pipelines, the beginning goes along
 * with the first statement, and the end with the last ones whose rows nobody reads: most of what a short transaction takes is waiting for answers.
 */
export async function pgTransaction<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  // While it is ours, a connection that breaks between two statements emits its error here; the next statement then fails with it.
  const onError = (): void => undefined
  client.on('error', onError)
  const sent: Promise<unknown>[] = []
  let broken: Error | undefined
  try {
    const sql = await begin(client, sent)
    const result = await work(sql)
    const ended = later(client.query('commit'))
    for (const one of sent) await one
    // What has failed and was caught turns a commit into a rollback, without a word.
    if ((await ended).command !== 'COMMIT') throw new Error('a statement of the transaction had failed: it was rolled back')
    return result
  } catch (error) {
    const reason = await firstFailure(sent)
    await client.query('rollback').catch((cause: unknown) => {
      broken = new Error('the rollback failed', { cause })
    })
    throw reason ?? error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

async function begin(client: pg.PoolClient, sent: Promise<unknown>[]): Promise<Sql> {
  if (!client.pipeline) {
    await client.query('begin')
    return sqlOfPg(client)
  }
  const send = (asked: Promise<unknown>): void => void sent.push(later(asked))
  send(client.query('begin'))
  return {
    ...sqlOfPg(client),
    inOrder: true,
    execute: async (text, parameters = []) => send(client.query(text, [...parameters])),
  }
}

/** Its failure is asked for later, and is nobody's meanwhile. */
function later<T>(asked: Promise<T>): Promise<T> {
  asked.catch(() => undefined)
  return asked
}

/** After the first failure all others say that the transaction has been aborted. */
async function firstFailure(sent: readonly Promise<unknown>[]): Promise<unknown> {
  for (const settled of await Promise.allSettled(sent)) if (settled.status === 'rejected') return settled.reason
  return undefined
}
