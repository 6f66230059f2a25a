import type { Operation } from '@understudy/control'
import type { Prisma } from './generated/client.ts'
import { toOperation } from './operation-row.ts'
import type { Sql } from './sql.ts'
import { jsonText } from './stored-json.ts'

/** The holder of a lock may end between our insert and our look at it; then the lock is free, and we try again. */
const attemptsMax = 5

/**
 * Inserts the operations whose lock is free and answers, for the others, who holds it. In the order of the lock keys, so that two
 * callers with the same locks wait for each other instead of for ever.
 */
export async function insertUnlocked(
  db: Prisma.TransactionClient,
  sql: Sql,
  operations: readonly Operation[],
): Promise<ReadonlyMap<string, Operation>> {
  const holders = new Map<string, Operation>()
  let waiting = operations
  for (let attempt = 1; waiting.length > 0; attempt++) {
    if (attempt > attemptsMax) throw new Error(`the locks of ${waiting.map((operation) => operation.id).join(', ')} change hands faster than we look`)
    const inserted = new Set((await sql.rows<{ id: string }>(insertStatement, [jsonText(waiting)])).map((row) => row.id))
    const refused = waiting.filter((operation) => !inserted.has(operation.id))
    if (refused.length === 0) break
    const rows = await db.operation.findMany({
      where: { lockKey: { in: refused.flatMap(({ lockKey }) => lockKey ?? []) }, status: { in: ['pending', 'running', 'undoing', 'stuck'] } },
    })
    const holderOf = new Map(rows.map((row) => [row.lockKey, toOperation(row)]))
    waiting = refused.filter((operation) => {
      const holder = holderOf.get(operation.lockKey ?? null)
      if (holder !== undefined) holders.set(operation.id, holder)
      return holder === undefined
    })
  }
  return holders
}

const insertStatement = `
  insert into operations (id, project_id, kind, version, resource_id, shadow_id, status, params, plan, plan_hash, deadline, priority, lock_key,
    requested_by, reason, created_at, started_at, finished_at, error, output, cancel_requested_at, updated_at)
  select id, "projectId", kind, version, "resourceId", "shadowId", status, coalesce(params, 'null'), coalesce(plan, 'null'), "planHash", deadline, priority,
    "lockKey", "requestedBy", reason, "createdAt", "startedAt", "finishedAt", error, coalesce(output, 'null'), "cancelRequestedAt", "updatedAt"
  from jsonb_to_recordset($1::jsonb) as new(id text, "projectId" text, kind text, version int, "resourceId" text, "shadowId" text, status text,
    params jsonb, plan jsonb, "planHash" text, deadline timestamptz, priority int, "lockKey" text, "requestedBy" text, reason text,
    "createdAt" timestamptz, "startedAt" timestamptz, "finishedAt" timestamptz, error jsonb, output jsonb, "cancelRequestedAt" timestamptz,
    "updatedAt" timestamptz)
  order by "lockKey", id
  on conflict (lock_key) where status in ('pending', 'running', 'undoing', 'stuck') do nothing
  returning id`
