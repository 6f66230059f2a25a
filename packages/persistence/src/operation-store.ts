import type { Operation, OperationStore, TimelineNote } from '@understudy/control'
import type { Json } from '@understudy/core'
import type { SagaEvent } from '@understudy/saga'
import { Prisma } from './generated/client.ts'
import { insertUnlocked } from './insert-unlocked.ts'
import { toOperation } from './operation-row.ts'
import type { Sql } from './sql.ts'
import { jsonText } from './stored-json.ts'

const unfinished = ['pending', 'running', 'undoing', 'stuck']

export function operationStore(db: Prisma.TransactionClient, sql: Sql): OperationStore {
  return {
    insertUnlocked: (operations) => insertUnlocked(db, sql, operations),
    find: async (projectId, id) => toOperation(await db.operation.findFirst({ where: { id, projectId } })),
    findById: async (id) => toOperation(await db.operation.findUnique({ where: { id } })),
    list: (projectId, page) => list(db, sql, projectId, page),
    async listUnfinished({ resourceIds, kinds, limit }) {
      const where = {
        status: { in: unfinished },
        ...(resourceIds === undefined ? {} : { resourceId: { in: [...resourceIds] } }),
        ...(kinds === undefined ? {} : { kind: { in: [...kinds] } }),
      }
      const rows = await db.operation.findMany({ where, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }], take: limit })
      return rows.map((row) => toOperation(row))
    },
    async resourcesWith({ resourceIds, kinds, since }) {
      const where = { resourceId: { in: [...resourceIds] }, kind: { in: [...kinds] }, createdAt: { gte: since } }
      const rows = await db.operation.findMany({ where, distinct: ['resourceId'], select: { resourceId: true } })
      return new Set(rows.flatMap(({ resourceId }) => resourceId ?? []))
    },
    async timeline(id) {
      const events = await db.sagaEvent.findMany({ where: { operationId: id }, orderBy: { sequence: 'asc' } })
      const notes = await db.operationNote.findMany({ where: { operationId: id }, orderBy: { id: 'asc' } })
      return { events: events.map((row) => toEvent(row)), notes: notes.map((row) => toNote(row)) }
    },
    async requestCancel(id, at) {
      // The first request counts. One that waits for its next attempt is woken: it has something to do now.
      const rows = await sql.rows(
        `update operations
         set cancel_requested_at = coalesce(cancel_requested_at, $2::timestamptz), updated_at = $2::timestamptz, not_before = null
         where id = $1 and status in ('pending', 'running', 'undoing', 'stuck') returning id`,
        [id, at.toISOString()],
      )
      return rows.length > 0
    },
    async retry(id, at) {
      const { count } = await db.operation.updateMany({ where: { id, status: 'stuck' }, data: resumed(at) })
      return count > 0
    },
    skip: (id, step, by, at) => skip(db, id, step, by, at),
    async hurry(changes, at) {
      if (changes.length > 0) await sql.rows(hurryStatement, [jsonText(changes), at.toISOString()])
    },
    backlog: (at) => backlog(sql, at),
  }
}

/**
 * In the order of ids, as whoever writes to logs locks them. Rows that are as urgent already are neither locked nor written: in a mass
 * reclaim every notice comes twice, and the operations that it joins are being worked on. `least` passes over nulls.
 */
const hurryStatement = `
  with wanted as (
    select id as wanted_id, min(deadline) as wanted_deadline, min(priority) as wanted_priority
    from jsonb_to_recordset($1::jsonb) as change(id text, deadline timestamptz, priority int) group by id
  ), locked as (
    select operations.id as locked_id, wanted_deadline, wanted_priority from operations join wanted on wanted_id = operations.id
    where status in ('pending', 'running', 'undoing', 'stuck')
      and (wanted_deadline < coalesce(deadline, 'infinity') or wanted_priority < priority or not_before is not null)
    order by operations.id for no key update of operations
  )
  update operations
  set deadline = least(deadline, wanted_deadline), priority = least(priority, wanted_priority), updated_at = $2::timestamptz, not_before = null
  from locked where operations.id = locked_id`

const resumed = (at: Date) => ({ status: 'running', error: Prisma.DbNull, updatedAt: at, runner: null, leaseUntil: null, notBefore: null })

async function skip(db: Prisma.TransactionClient, id: string, step: string, by: string, at: Date): Promise<boolean> {
  const { count } = await db.operation.updateMany({ where: { id, status: 'stuck' }, data: { ...resumed(at), skippedSteps: { push: step } } })
  if (count === 0) return false
  await db.operationNote.create({ data: { operationId: id, step, message: 'Skipped by a person', data: { by }, at } })
  return true
}

/** The newest first. */
async function list(
  db: Prisma.TransactionClient,
  sql: Sql,
  projectId: string,
  { after, limit, status, kind, resourceId }: Parameters<OperationStore['list']>[1],
): Promise<Operation[]> {
  const picked = await sql.rows<{ id: string }>(
    `select id from operations
     where project_id = $1 and ($3::text is null or status = $3) and ($4::text is null or kind = $4) and ($5::text is null or resource_id = $5)
       and ($2::text is null or (created_at, id) < (select created_at, id from operations where id = $2 and project_id = $1))
     order by created_at desc, id desc limit $6`,
    [projectId, after ?? null, status ?? null, kind ?? null, resourceId ?? null, limit],
  )
  const rows = await db.operation.findMany({
    where: { projectId, id: { in: picked.map((row) => row.id) } },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
  })
  return rows.map((row) => toOperation(row))
}

async function backlog(sql: Sql, at: Date): ReturnType<OperationStore['backlog']> {
  const [row] = await sql.rows<{ runnable: number; oldest: Date | null; stuck: number }>(
    `select count(*)::int as runnable, min(created_at) as oldest, (select count(*)::int from operations where status = 'stuck') as stuck
     from operations
     where status in ('pending', 'running', 'undoing')
       and (lease_until is null or lease_until <= $1::timestamptz) and (not_before is null or not_before <= $1::timestamptz)`,
    [at.toISOString()],
  )
  const oldest = row?.oldest ?? at
  return { runnable: row?.runnable ?? 0, oldestAgeMs: Math.max(0, at.getTime() - oldest.getTime()), stuck: row?.stuck ?? 0 }
}

const toEvent = (row: Prisma.SagaEventGetPayload<object>): SagaEvent => ({
  sequence: row.sequence,
  type: row.type as SagaEvent['type'], // checked by the table
  step: row.step,
  attempt: row.attempt,
  data: row.data as Json,
  atMs: row.at.getTime(),
})

const toNote = (row: Prisma.OperationNoteGetPayload<object>): TimelineNote => ({
  step: row.step,
  message: row.message,
  data: row.data as Json,
  at: row.at,
})
