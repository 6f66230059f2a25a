import type { OutboxMessage, OutboxStore } from '@understudy/control'
import type { Json } from '@understudy/core'
import type { Sql } from './sql.ts'
import { jsonText } from './stored-json.ts'

export function outboxStore(sql: Sql): OutboxStore {
  return {
    async append(messages) {
      if (messages.length === 0) return
      await sql.rows(
        `insert into outbox_messages (id, topic, key, payload, priority, created_at)
         select id, topic, key, coalesce(payload, 'null'), priority, "createdAt"
         from jsonb_to_recordset($1::jsonb) as new(id text, topic text, key text, payload jsonb, priority int, "createdAt" timestamptz)`,
        [jsonText(messages)],
      )
    },
    async claim({ limit, at, leaseMs }) {
      const rows = await sql.rows<OutboxRow>(claimStatement, [limit, at.toISOString(), new Date(at.getTime() + leaseMs).toISOString()])
      return rows.map((row) => toDomain(row)).toSorted((a, b) => a.priority - b.priority || a.createdAt.getTime() - b.createdAt.getTime())
    },
    async remove(ids) {
      if (ids.length > 0) await sql.rows('delete from outbox_messages where id = any($1::text[])', [ids])
    },
    async oldestAgeMs(at) {
      const [row] = await sql.rows<{ oldest: Date | null }>('select min(created_at) as oldest from outbox_messages')
      return row?.oldest ? Math.max(0, at.getTime() - row.oldest.getTime()) : 0
    },
  }
}

/**
 * Of those with one topic and key the most urgent is leased, and stands for the others, which go. One that is leased already does not
 * count: what it announces may have been read before the change that wrote the newer one.
 */
const claimStatement = `
  with waiting as (
    select id from outbox_messages where leased_until is null or leased_until <= $2::timestamptz
    order by priority, created_at, id limit $1 for update skip locked
  ), ranked as (
    select id, row_number() over (partition by topic, key order by priority, created_at, id) as rank
    from outbox_messages where id in (select id from waiting)
  ), merged as (
    delete from outbox_messages where id in (select id from ranked where rank > 1)
  )
  update outbox_messages set leased_until = $3::timestamptz where id in (select id from ranked where rank = 1)
  returning id, topic, key, payload, priority, created_at`

interface OutboxRow {
  readonly id: string
  readonly topic: string
  readonly key: string
  readonly payload: Json
  readonly priority: number
  readonly created_at: Date
}

const toDomain = (row: OutboxRow): OutboxMessage => ({
  id: row.id,
  topic: row.topic,
  key: row.key,
  payload: row.payload,
  priority: row.priority,
  createdAt: row.created_at,
})
