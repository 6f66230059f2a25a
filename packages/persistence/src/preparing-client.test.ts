import { expect, test } from 'vitest'
import { openPool } from './pool.ts'
import { useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()

test('the server keeps a statement with parameters once, however often it is asked, and others not at all', async () => {
  const pool = openPool(connection.url, 1, () => undefined, { preparesStatements: true })
  try {
    for (const value of [1, 2]) expect((await pool.query('select $1::int as value', [value])).rows).toEqual([{ value }])
    expect((await pool.query({ text: 'select $1::int as value', values: [3], rowMode: 'array' })).rows).toEqual([[3]])
    const kept = await pool.query('select statement from pg_prepared_statements')
    expect(kept.rows).toEqual([{ statement: 'select $1::int as value' }])
  } finally {
    await pool.end()
  }
})

test('a refused statement can be asked again', async () => {
  const pool = openPool(connection.url, 1, () => undefined, { preparesStatements: true })
  try {
    await expect(pool.query('select 1 / $1::int as value', [0])).rejects.toThrow('division by zero')
    expect((await pool.query('select 1 / $1::int as value', [1])).rows).toEqual([{ value: 1 }])
  } finally {
    await pool.end()
  }
})
