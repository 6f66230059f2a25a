import { expect, test } from 'vitest'
import { isRetryable } from './database-errors.ts'
import { pgTransaction } from './pg-transaction.ts'
import { openPool } from './pool.ts'
import { useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()

interface Opened {
  readonly pool: ReturnType<typeof openPool>
  /** Everything that the server was asked, in order. */
  readonly asked: readonly string[]
  readonly numbers: () => Promise<readonly number[]>
}

async function open(pipeline: boolean): Promise<Opened> {
  const pool = openPool(connection.url, 1, () => undefined, { pipeline, preparesStatements: true })
  const client = await pool.connect()
  const asked: string[] = []
  const ask = client.query.bind(client) as (...args: unknown[]) => unknown
  client.query = ((first: unknown, ...rest: unknown[]) => {
    asked.push(String(first).split(' ').slice(0, 2).join(' '))
    return ask(first, ...rest)
  }) as typeof client.query
  client.release()
  // Of this session: one connection is all that the pool has.
  await pool.query('create temporary table numbers (n int primary key)')
  asked.length = 0
  return { pool, asked, numbers: async () => (await pool.query<{ n: number }>('select n from numbers order by n')).rows.map(({ n }) => n) }
}

const insert = 'insert into numbers values ($1)'

test.each([false, true])('what is executed is in when the transaction has ended (pipelining: %s)', async (pipeline) => {
  const { pool, asked, numbers } = await open(pipeline)
  const seen = await pgTransaction(pool, async (sql) => {
    await sql.execute(insert, [1])
    await sql.execute(insert, [2])
    return await sql.rows('select n from numbers')
  })
  expect(seen).toEqual([{ n: 1 }, { n: 2 }])
  expect(asked).toEqual(['begin', 'insert into', 'insert into', 'select n', 'commit'])
  expect(await numbers()).toEqual([1, 2])
  await pool.end()
})

test.each([false, true])(
  'nothing is in when a statement whose rows nobody reads has failed, and it is said why (pipelining: %s)',
  async (pipeline) => {
    const { pool, numbers } = await open(pipeline)
    const failing = (after: boolean) =>
      pgTransaction(pool, async (sql) => {
        await sql.execute(insert, [1])
        await sql.execute(insert, [1])
        // Refused too, since the transaction has been aborted.
        if (after) await sql.rows('select n from numbers')
        return 'in'
      })
    await expect(failing(false)).rejects.toMatchObject({ code: '23505' })
    await expect(failing(true)).rejects.toMatchObject({ code: '23505' })
    expect(await numbers()).toEqual([])
    await pgTransaction(pool, (sql) => sql.execute(insert, [3]))
    expect(await numbers()).toEqual([3])
    await pool.end()
  },
)

test.each([false, true])('work that goes on after a failed statement is not told that its changes are in (pipelining: %s)', async (pipeline) => {
  const { pool, numbers } = await open(pipeline)
  const careless = pgTransaction(pool, async (sql) => {
    await sql.execute(insert, [1])
    await sql.rows('select 1 / $1::int', [0]).catch(() => undefined)
  })
  await expect(careless).rejects.toThrow('rolled back')
  expect(await numbers()).toEqual([])
  await pool.end()
})

test.each([false, true])('work that throws is rolled back, and its own error is what is told (pipelining: %s)', async (pipeline) => {
  const { pool, numbers } = await open(pipeline)
  const changed = pgTransaction(pool, async (sql) => {
    await sql.execute(insert, [1])
    throw new Error('another mind')
  })
  await expect(changed).rejects.toThrow('another mind')
  expect(await numbers()).toEqual([])
  await pool.end()
})

test('who loses a deadlock by a statement that was not waited for is told that repeating helps', async () => {
  const pool = openPool(connection.url, 2, () => undefined, { pipeline: true })
  await pool.query('create table pair (id int primary key, n int); insert into pair values (1, 0), (2, 0)')
  const add = 'update pair set n = n + 1 where id = $1'
  let both = 0
  let release = (): void => undefined
  const bothHoldOne = new Promise<void>((resolve) => (release = resolve))
  const crossing = (first: number, second: number) =>
    pgTransaction(pool, async (sql) => {
      await sql.rows(add, [first])
      if (++both === 2) release()
      await bothHoldOne
      await sql.execute(add, [second])
    })
  const settled = await Promise.allSettled([crossing(1, 2), crossing(2, 1)])
  const lost = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  expect(lost).toHaveLength(1)
  expect(isRetryable(lost[0])).toBe(true)
  expect((await pool.query('select n from pair order by id')).rows).toEqual([{ n: 1 }, { n: 1 }])
  await pool.query('drop table pair')
  await pool.end()
})

test('a server that goes away fails the transaction, and the connection is not used again', async () => {
  const pool = openPool(connection.url, 1, () => undefined, { pipeline: true })
  const killed = pgTransaction(pool, async (sql) => {
    await sql.execute('select pg_terminate_backend(pg_backend_pid())')
    await sql.execute('select 1')
  })
  await expect(killed).rejects.toThrow()
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await pool.end()
})
