import type { IdempotencyRecord, IdempotencyStore } from '@understudy/control'
import type { IdempotencyRecord as IdempotencyRow, Prisma } from './generated/client.ts'
import { optional } from './rows.ts'
import type { Sql } from './sql.ts'

/** A key may be forgotten between our insert and our look at it; then it is new again. */
const attemptsMax = 5

export function idempotencyStore(db: Prisma.TransactionClient, sql: Sql): IdempotencyStore {
  return {
    async begin(record, expiredBefore) {
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const begun = await sql.rows(
          `insert into idempotency_records (project_id, key, fingerprint, created_at) values ($1, $2, $3, $4::timestamptz)
           on conflict (project_id, key) do update
             set fingerprint = excluded.fingerprint, created_at = excluded.created_at, status = null, body = null, headers = null
             where idempotency_records.created_at < $5::timestamptz
           returning key`,
          [record.projectId, record.key, record.fingerprint, record.createdAt.toISOString(), expiredBefore.toISOString()],
        )
        if (begun.length > 0) return undefined
        const row = await db.idempotencyRecord.findUnique({ where: { projectId_key: { projectId: record.projectId, key: record.key } } })
        if (row !== null) return toDomain(row)
      }
      throw new Error('an idempotency key is forgotten as fast as it is begun')
    },
    async complete(projectId, key, answer) {
      await db.idempotencyRecord.updateMany({
        where: { projectId, key },
        data: { status: answer.status, body: answer.body, headers: { ...answer.headers } },
      })
    },
    async forget(projectId, key) {
      await db.idempotencyRecord.deleteMany({ where: { projectId, key } })
    },
    async removeBefore(at) {
      return (await db.idempotencyRecord.deleteMany({ where: { createdAt: { lt: at } } })).count
    },
  }
}

const toDomain = (row: IdempotencyRow): IdempotencyRecord => ({
  projectId: row.projectId,
  key: row.key,
  fingerprint: row.fingerprint,
  status: optional(row.status),
  body: optional(row.body),
  headers: optional(row.headers) as IdempotencyRecord['headers'], // written from the same type
  createdAt: row.createdAt,
})
