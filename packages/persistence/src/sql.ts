import type pg from 'pg'
import type { Prisma } from './generated/client.ts'

/**
 * One hand-written statement at a time, inside or outside a transaction. Both drivers below answer the same rows, except that a bigint
 * is a `bigint` from one and text from the other: read it with `Number()`. Lists of rows go in as one `jsonText` parameter, lists of ids
 * as an array.
 */
export interface Sql {
  rows<Row>(text: string, parameters?: readonly SqlParameter[]): Promise<Row[]>
  /** A statement whose rows nobody reads. In a transaction it may be answered later: what fails then fails the transaction. */
  execute(text: string, parameters?: readonly SqlParameter[]): Promise<void>
  /** Statements that are asked for at once are executed in this order, so that none has to wait for the answer of the one before. */
  readonly inOrder?: boolean
}
export type SqlParameter = string | number | boolean | Date | null | readonly string[] | readonly number[]

export const sqlOfPrisma = (client: Prisma.TransactionClient): Sql => ({
  rows: (text, parameters = []) => client.$queryRawUnsafe(text, ...parameters),
  execute: async (text, parameters = []) => void (await client.$queryRawUnsafe(text, ...parameters)),
})

export const sqlOfPg = (client: pg.Pool | pg.PoolClient): Sql => ({
  async rows<Row>(text: string, parameters: readonly SqlParameter[] = []) {
    const result = await client.query(text, [...parameters])
    return result.rows as Row[] // the statement's author names the row
  },
  execute: async (text, parameters = []) => void (await client.query(text, [...parameters])),
})

/** What the drivers answer for a `bigint` column. Ours stay far below 2^53. */
export type SqlBigint = bigint | string
