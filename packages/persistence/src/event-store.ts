import type { DomainEvent, EventStore, NewDomainEvent } from '@understudy/control'
import type { Json } from '@understudy/core'
import { optional } from './rows.ts'
import type { Sql, SqlBigint } from './sql.ts'
import { jsonText } from './stored-json.ts'

export function eventStore(sql: Sql, append: EventStore['append']): EventStore {
  return { append, listAfter: (sequence, options) => listAfter(sql, sequence, options), lastSequence: () => readableUntil(sql) }
}

/** In the order given. `once`: an event whose id is there already is left out instead of refused. */
export async function appendEvents(sql: Sql, events: readonly NewDomainEvent[], options: { readonly once: boolean }): Promise<void> {
  if (events.length === 0) return
  await sql.execute(
    `insert into domain_events (id, project_id, type, subject, at, expires_at, data)
     select id, "projectId", type, subject, at, "expiresAt", coalesce(data, 'null')
     from jsonb_to_recordset($1::jsonb) as new(n int, id text, "projectId" text, type text, subject text, at timestamptz, "expiresAt" timestamptz, data jsonb)
     order by n ${options.once ? 'on conflict (id) do nothing' : ''}`,
    [jsonText(events.map((event, n) => ({ ...event, n })))],
  )
}

/**
 * Everything up to here is committed or never will be. A question of its own, asked first: the rows have to be read by a statement that
 * starts after it, in a transaction (if in one) that sees what has been committed meanwhile.
 */
async function readableUntil(sql: Sql): Promise<number> {
  const [row] = await sql.rows<{ until: SqlBigint }>('select events_readable_until() as until')
  return Number(row?.until ?? 0)
}

interface EventRow {
  readonly sequence: SqlBigint
  readonly id: string
  readonly project_id: string
  readonly type: string
  readonly subject: string
  readonly at: Date
  readonly expires_at: Date | null
  readonly data: Json
}

async function listAfter(sql: Sql, sequence: number, options: Parameters<EventStore['listAfter']>[1]): Promise<DomainEvent[]> {
  const until = await readableUntil(sql)
  if (until <= sequence) return []
  const types = options.types ?? []
  const rows = await sql.rows<EventRow>(
    `select sequence, id, project_id, type, subject, at, expires_at, data from domain_events
     where sequence > $1::bigint and sequence <= $2::bigint and ($3::text is null or project_id = $3)
       and ($4::boolean or type = any($5::text[]) or exists (select from unnest($6::text[]) as prefix where starts_with(type, prefix)))
     order by sequence limit $7`,
    [
      sequence,
      until,
      options.projectId ?? null,
      options.types === undefined,
      types.filter((type) => !type.endsWith('.')),
      types.filter((type) => type.endsWith('.')),
      options.limit,
    ],
  )
  return rows.map((row) => toDomain(row))
}

const toDomain = (row: EventRow): DomainEvent => ({
  sequence: Number(row.sequence),
  id: row.id,
  projectId: row.project_id,
  type: row.type,
  subject: row.subject,
  at: row.at,
  expiresAt: optional(row.expires_at),
  data: row.data,
})
